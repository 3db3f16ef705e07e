"""The operator's command `broker`. Exit codes: 0 done; 1 failed, with the next step; 2 wrong arguments."""

import argparse
import json
import re
import sys
from typing import Any

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.config import ConfigurationError, read_catalog
from chalicelib.ports import StoreUnavailable
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope, split_by_provider
from chalicelib.records.resource import Resource
from cli import command_audit
from cli.command_failure import describe_failure
from cli.commands import (
    audit,
    bootstrap,
    client,
    connection,
    connection_revoke,
    explain,
    jobs,
    keys,
    kill,
    provider,
    registration_token,
    restore,
    tail,
    user,
    vault,
)
from cli.connection_transfer import exporter, importer
from cli.console import command as console
from cli.deployment import stacks
from cli.deployment.lookup import find_deployment
from cli.deployment.operations import (
    Deployment,
    OperationError,
    create_resource,
    init_keysets,
    list_resources,
)
from cli.doctor import command as doctor
from cli.invocation import PROGRAM, as_typed
from cli.output import harmless, resource_row, show, tell_rest
from cli.parser import CommandParser, read_version

_AUDIENCE = re.compile(r"(?:https|http|urn):[^\s#]+")


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and options."""
    parser = CommandParser(prog="dev.py broker", description="Operate a token broker with your own AWS credentials.")
    plain = CommandParser(add_help=False)
    plain.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    common = CommandParser(add_help=False, parents=[plain])
    common.add_argument("--stack", metavar="NAME", default=argparse.SUPPRESS, help=stacks.HELP)
    parser.add_argument("--stack", metavar="NAME", help=stacks.HELP)
    parser.add_argument("--version", action="version", version=f"Token Broker {read_version()}")
    groups = parser.add_subparsers(dest="group", required=True, metavar="COMMAND")
    bootstrap.add_parser(groups, plain)  # its --stack is one of CloudFormation
    groups.add_parser("init", parents=[common], help="create missing keys").set_defaults(act=_init)
    client.add_parsers(groups, common)
    registration_token.add_parsers(groups, common)
    provider.add_parsers(groups, common)
    _add_resource(groups, common)
    keys.add_parsers(groups, common)
    kill.add_parsers(groups, common)
    restore.add_parsers(groups, common)
    below = connection.add_parsers(groups, common)
    connection_revoke.add_parser(below, common)
    importer.add_parser(below, common)
    exporter.add_parser(below, common)
    user.add_parsers(groups, common)
    jobs.add_parsers(groups, common)
    audit.add_parsers(groups, common)
    vault.add_parsers(groups, common)
    explain.add_parser(groups, common)
    stacks.add_parser(groups, common)
    tail.add_parser(groups, common)
    doctor.add_parser(groups, common)
    console.add_parser(groups, common, build_parser)
    list(command_audit.name_commands(parser))
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        if "alone" in options:
            return int(options.alone(options))
        alone = provider.names_a_file(options)
        done = (
            provider.check_file(options.what)
            if alone
            else command_audit.run_on_record(find_deployment(options), options)
        )
        show(done, as_json=options.json)
    except (OperationError, StoreUnavailable, AwsRefusal) as error:
        failed = describe_failure(error)
        return _fail(str(failed), failed.hint, options.json, failed.details)
    return tell_rest(done)


def _fail(message: str, hint: str, as_json: bool, details: dict[str, Any]) -> int:
    hint = as_typed(hint)
    if as_json:
        print(json.dumps({"error": message, "hint": hint, **details}))
    else:
        told = "\n".join(map(harmless, message.split("\n")))
        print(f"{PROGRAM}: {told}" + (f"\n  next: {hint}" if hint else ""), file=sys.stderr)
    return 1


def _init(deployment: Deployment, options: argparse.Namespace) -> Any:
    return {"issuer": deployment.settings.issuer, "created": init_keysets(deployment)}


def _add_resource(groups: Any, common: argparse.ArgumentParser) -> None:
    verbs = groups.add_parser("resource", help="manage your own APIs").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    create = verbs.add_parser(
        "create", parents=[common], help="register an API that accepts the broker's access tokens"
    )
    create.add_argument("--audience", required=True, metavar="URI")
    create.add_argument("--scope", default="", help="scopes of the API")
    create.add_argument(
        "--lifetime", type=int, metavar="SECONDS", help="lifetime of its tokens (default: that of the deployment)"
    )
    create.set_defaults(act=_create_resource)
    verbs.add_parser("list", parents=[common], help="list all APIs").set_defaults(act=_list_resources)


def _create_resource(deployment: Deployment, options: argparse.Namespace) -> Any:
    if not _AUDIENCE.fullmatch(options.audience):
        raise OperationError(
            "--audience must be an absolute URI without a fragment", "--audience https://api.example.com"
        )
    if options.lifetime is not None and not 30 <= options.lifetime <= 86400:
        raise OperationError("--lifetime must be between 30 and 86400 seconds", "omit the option for the default")
    try:
        scopes = parse_scope(options.scope)
    except OAuthError as error:
        raise OperationError(f"--scope is invalid: {error.reason}", '--scope "orders:read"') from None
    _check_no_providers(deployment, scopes)
    resource = Resource(audience=options.audience, scopes=scopes, token_seconds=options.lifetime)
    return resource_row(create_resource(deployment, resource))


def _check_no_providers(deployment: Deployment, scopes: frozenset[str]) -> None:
    """A scope that starts with a provider's id belongs to that provider; no API of the team may have it."""
    try:
        theirs = split_by_provider(scopes, read_catalog(deployment.settings).ids).keys() - {""}
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None
    except OAuthError:
        raise OperationError("a scope consists only of a provider's id", '--scope "orders:read"') from None
    if theirs:
        raise OperationError(f"{min(theirs)}: is reserved for scopes of that provider", '--scope "orders:read"')


def _list_resources(deployment: Deployment, options: argparse.Namespace) -> Any:
    return [resource_row(resource) for resource in list_resources(deployment)]


if __name__ == "__main__":
    sys.exit(main())
