"""The operator's command `broker`. Exit codes: 0 done; 1 failed, with the next step; 2 wrong arguments;
3 the deployment is not what a file declares (`broker apply`)."""

import argparse
import json
import sys
from typing import Any

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.ports import StoreUnavailable
from cli import command_audit
from cli.command_failure import describe_failure
from cli.commands import (
    audit,
    bootstrap,
    client,
    connection,
    connection_revoke,
    explain,
    issuer,
    jobs,
    keys,
    kill,
    provider,
    registration_token,
    resource,
    restore,
    tail,
    user,
    vault,
)
from cli.configuration import command as apply
from cli.connection_transfer import exporter, importer
from cli.console import command as console
from cli.deployment import stacks
from cli.deployment.lookup import find_deployment
from cli.deployment.operations import Deployment, OperationError, init_keysets
from cli.doctor import command as doctor
from cli.invocation import PROGRAM, as_typed
from cli.output import harmless, show, tell_rest
from cli.parser import CommandParser, read_version


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
    apply.add_parsers(groups, common)
    client.add_parsers(groups, common)
    registration_token.add_parsers(groups, common)
    provider.add_parsers(groups, common)
    issuer.add_parsers(groups, common)
    resource.add_parsers(groups, common)
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


if __name__ == "__main__":
    sys.exit(main())
