"""broker provider list|show|check|set: the providers that users sign in with or connect."""

import argparse
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import EllipsisType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher
from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.config import ConfigurationError, read_catalog
from chalicelib.encryption import open_provider_secret
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.catalog import Catalog, check_registrations_apart
from chalicelib.providers.definition import (
    InvalidDefinition,
    ProviderDefinition,
    ValueRefused,
    fill,
    hosts_of,
    parse_definition,
)
from chalicelib.providers.definition.sources import count_sources
from chalicelib.records.item_keys import provider_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.upstream.callback import callback_uri
from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from cli.commands.provider_schema import add_parser as add_schema_parser
from cli.commands.provider_test import add_parser as add_test_parser
from cli.deployment.kill_counts import leave_word
from cli.deployment.operations import Deployment, OperationError, list_providers, list_resources, set_provider
from cli.deployment.secret_source import SOURCES, check_key, check_key_apart, read_secret
from cli.deployment.variables import WrongVariables, check_variables, parse_variables, variable_rows
from cli.nearest import suggest
from cli.output import Listing, provider_row

_HTTPS = re.compile(r"https://[^\s/?#@]+(?:/[^\s?#]*)?")
_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?")


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker provider`."""
    verbs = groups.add_parser("provider", help="manage providers").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    verbs.add_parser("list", parents=[common], help="list all provider files").set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[common], help="show one provider, and the redirect URI to register there")
    show.add_argument("provider_id")
    show.set_defaults(act=_show)
    check = verbs.add_parser("check", parents=[common], help="check a provider, or a provider file that you write")
    check.add_argument("what", metavar="PROVIDER_ID|FILE.toml")
    check.set_defaults(act=_check)
    put = verbs.add_parser("set", parents=[common], help="enable a provider with your registration there")
    put.add_argument("provider_id")
    add_set_options(put)
    add_schema_parser(verbs, common)
    add_test_parser(verbs, common)


def add_set_options(put: argparse.ArgumentParser) -> None:
    """The options of `broker provider set`."""
    put.add_argument("--client-id", required=True, help="your client_id at the provider")
    put.add_argument(
        "--secret-from",
        metavar=SOURCES,
        help="where to read your client secret or private key from; never on the command line",
    )
    put.add_argument("--issuer", help="the issuer, for provider files without one (oidc)")
    value = "a variable of the provider file (see broker provider show); may repeat"
    put.add_argument("--variable", metavar="NAME=VALUE", action="append", default=[], dest="variables", help=value)
    moving = "end present connections if this changes the provider's hosts"
    put.add_argument("--ends-connections", action="store_true", help=moving)
    put.set_defaults(act=_set)


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    catalog = _catalog(deployment)
    places = {provider_id: provider_item_key(provider_id) for provider_id in sorted(catalog.ids)}
    found = deployment.store.read(*places.values())
    rows = [
        {
            **provider_row(one, find_definition(catalog, one).display_name, found.get(places[one])),
            **_count(catalog, one),
        }
        for one in places
    ]
    verified, unverified = (sum(row[key] for row in rows) for key in ("verified", "unverified"))
    said = (
        f"{len(rows)} provider files: {verified} lines verified in the provider's documentation, {unverified} "
        "unverified"
    )
    return Listing(rows, said)


def _count(catalog: Catalog, provider_id: str) -> dict[str, int]:
    return _count_text(catalog.files[provider_id].read_text(encoding="utf-8"))


def _count_text(text: str) -> dict[str, int]:
    """How much of a file was verified in the provider's documentation."""
    verified, unverified = count_sources(tomllib.loads(text))
    return {"verified": verified, "unverified": unverified}


def _show(deployment: Deployment, options: argparse.Namespace) -> Any:
    catalog = _catalog(deployment)
    definition = find_definition(catalog, options.provider_id)
    record = _record(deployment, options.provider_id)
    return {
        **provider_row(definition.provider_id, definition.display_name, record),
        "verified": _count(catalog, definition.provider_id)["verified"],
        "redirect_uri": callback_uri(deployment.settings.issuer, definition.provider_id),
        "variables": variable_rows(definition, record.variables if record else {}),
        "sign_in_scopes": list(definition.sign_in_scopes),
        "scopes": sorted(definition.scopes),
        "refresh": definition.refresh.kind,
        "revocation": definition.revocation.kind,
        "documentation": sorted(definition.documentation),
        "checked_on": definition.checked_on.isoformat(),
        "unverified": list(definition.unverified),
        "notes": list(definition.notes),
    }


def _check(deployment: Deployment, options: argparse.Namespace) -> Any:
    definition = find_definition(_catalog(deployment), options.what)
    record = _record(deployment, options.what)
    if record is None:
        raise OperationError(
            f"{options.what} is not switched on", f"broker provider set {options.what} --client-id ID --secret-from -"
        )
    findings = {"file": "ok", "secret": _check_secret(deployment, record, definition)}
    filled = _fill(definition, record.variables)
    findings["endpoints"] = (
        _check_endpoints(deployment, record, filled)
        if filled
        else f"a variable is missing or invalid: set the provider again with {_variable_words(definition)}"
    )
    bad = [name for name, finding in findings.items() if not finding.startswith("ok")]
    if bad:
        raise OperationError(
            "; ".join(f"{name}: {findings[name]}" for name in bad), f"broker provider show {options.what}"
        )
    return {"provider_id": options.what, **findings}


def names_a_file(options: argparse.Namespace) -> bool:
    """Whether the argument is a file; checking a file needs no deployment."""
    return bool(options.act is _check and options.what.endswith(".toml"))


def check_file(name: str) -> Any:
    """Read a provider file. Raises OperationError with every fault."""
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
        definition = parse_definition(text, source=path.name, folder=path.parent)
    except (OSError, UnicodeDecodeError):
        raise OperationError(f"{path} cannot be read", "name a provider file that exists") from None
    except InvalidDefinition as error:
        said = "\n  ".join([f"{path.name} is invalid:", *error.faults])
        details = {"faults": [msgspec.to_builtins(fault) for fault in error.details]}
        raise OperationError(said, "see the keys in docs/providers.md", details) from None
    row = {"provider_id": definition.provider_id, "file": "ok", "checked_on": definition.checked_on.isoformat()}
    return {**row, **_count_text(text)}


def _check_secret(deployment: Deployment, record: ProviderRecord, definition: ProviderDefinition) -> str:
    try:
        secret = open_provider_secret(deployment.keys.get("vault"), record)
        if not record.public:
            check_key(secret, definition)
    except DecryptionFailed:
        return "cannot be decrypted for this client_id, issuer and variables: set it again"
    except OperationError as unusable:
        return str(unusable)
    if record.public:
        needless = definition.token_endpoint_auth_method == "none"
        return "ok, not needed" if needless else "missing: set it with --secret-from"
    return "ok, can be decrypted"


def _check_endpoints(deployment: Deployment, record: ProviderRecord, definition: ProviderDefinition) -> str:
    if definition.discovery and not (record.issuer or definition.issuer):
        return "no issuer: set it with --issuer"
    try:
        found = ProviderDirectory(GuardedFetcher(), deployment.clock).endpoints(definition, record.issuer)
    except (ProviderUnavailable, ProviderMisbehaved, ProviderRefused) as error:
        local = deployment.settings.is_loopback and error.reason.endswith("_not_allowed")
        return f"cannot be fetched from here ({error.reason})" + (
            "; this command calls no provider on loopback, but the running stack does" if local else ""
        )
    return f"ok, {found.token_endpoint}"


def _set(deployment: Deployment, options: argparse.Namespace) -> Any:
    return register_at(deployment, options)


def register_at(
    deployment: Deployment, options: argparse.Namespace, *, read: ProviderRecord | EllipsisType | None = ...
) -> dict[str, Any]:
    """Enable a provider with the broker's registration there. Raises OperationError.

    read   the record as it was read, or None if there was none; then nobody else may have set it meanwhile
    """
    definition = find_definition(_catalog(deployment), options.provider_id)
    if definition.discovery and not (options.issuer or definition.issuer):
        raise OperationError(f"{options.provider_id} needs --issuer", "--issuer https://login.example.com")
    if options.issuer and not _is_issuer(deployment, options.issuer):
        raise OperationError("--issuer must be an https address", "--issuer https://login.example.com")
    secret = read_secret(options.secret_from, definition)
    if secret is not None:
        check_key_apart(deployment, _catalog(deployment), definition, secret)
    _check_no_own_scopes(deployment, definition.provider_id)
    variables = _read_variables(definition, options.variables)
    _check_apart(deployment, definition, options, variables)
    moves = _read_moving(deployment, definition, options, variables)
    record = set_provider(
        deployment,
        options.provider_id,
        client_id=options.client_id,
        client_secret=secret,
        issuer=options.issuer,
        variables=variables,
        moves=moves,
        read=read,
    )
    if moves is not None:
        leave_word(deployment, "provider", definition.provider_id)
    return {
        **provider_row(definition.provider_id, definition.display_name, record),
        "redirect_uri": callback_uri(deployment.settings.issuer, definition.provider_id),
    }


def _check_no_own_scopes(deployment: Deployment, provider_id: str) -> None:
    """A scope that starts with its id belongs to the provider; no API of the team may have one. Raises
    OperationError.
    """
    for resource in list_resources(deployment):
        if any(scope.startswith(f"{provider_id}:") for scope in resource.scopes):
            fix = "give the provider file another provider_id"
            raise OperationError(f"scopes of {resource.audience} already start with {provider_id}:", fix)


def _read_moving(
    deployment: Deployment, definition: ProviderDefinition, options: argparse.Namespace, variables: Mapping[str, str]
) -> ProviderRecord | None:
    """The stored record, if requests would go to new hosts: users' tokens must not be sent there.

    Raises OperationError if the operator has not confirmed this.
    """
    before = _record(deployment, definition.provider_id)
    if before is None:
        return None
    known = _hosts(definition, before.issuer, before.variables)
    others = sorted(_hosts(definition, options.issuer, variables) - known)
    if others and not options.ends_connections:
        said = f"{', '.join(others)} would receive requests from now on, so all present connections would end"
        raise OperationError(said, "repeat the present --issuer and --variable, or add --ends-connections")
    return before if others else None


def _hosts(definition: ProviderDefinition, issuer: str | None, variables: Mapping[str, str]) -> frozenset[str]:
    filled = _fill(definition, variables)
    named = {urlsplit(issuer).netloc} if issuer else set[str]()
    return (hosts_of(filled) if filled else frozenset()) | named


def _read_variables(definition: ProviderDefinition, words: list[str]) -> dict[str, str]:
    """Raises OperationError."""
    try:
        given = parse_variables(words)
        check_variables(definition, given)
    except WrongVariables as wrong:
        raise OperationError("; ".join(wrong.faults), wrong.hint) from None
    return given


def _variable_words(definition: ProviderDefinition) -> str:
    return " ".join(f"--variable {name}=VALUE" for name in definition.variables)


def _fill(definition: ProviderDefinition, variables: Mapping[str, str]) -> ProviderDefinition | None:
    """None if the values do not match the file."""
    try:
        return fill(definition, variables)
    except ValueRefused:
        return None


def _check_apart(
    deployment: Deployment, definition: ProviderDefinition, options: argparse.Namespace, variables: Mapping[str, str]
) -> None:
    """Two provider ids with one registration could be confused at the callback (CB-06). Raises OperationError."""
    catalog, records = _catalog(deployment), list_providers(deployment)
    known = {
        record.provider_id: (file and _fill(file, record.variables), record.issuer, record.client_id)
        for record in records
        for file in [catalog.get(record.provider_id)]
    }
    known[definition.provider_id] = (_fill(definition, variables), options.issuer, options.client_id)
    try:
        check_registrations_apart(
            {one: (_where(file, issuer), client_id) for one, (file, issuer, client_id) in known.items() if file}
        )
    except InvalidDefinition as error:
        raise OperationError("; ".join(error.faults), "use the --client-id of a second app at the provider") from None


def _where(definition: ProviderDefinition, issuer: str | None) -> str:
    return issuer or definition.issuer or definition.authorization_endpoint or definition.provider_id


def _is_issuer(deployment: Deployment, issuer: str) -> bool:
    """An https address; also http on loopback, if the broker runs on loopback."""
    return bool(_HTTPS.fullmatch(issuer) or (deployment.settings.is_loopback and _LOOPBACK.fullmatch(issuer)))


def _catalog(deployment: Deployment) -> Catalog:
    try:
        return read_catalog(deployment.settings)
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None


def find_definition(catalog: Catalog, provider_id: str) -> ProviderDefinition:
    """The provider file. Raises OperationError."""
    definition = catalog.get(provider_id)
    if definition is None:
        raise OperationError(
            f"no such provider file: {provider_id}", suggest(provider_id, catalog.ids, "broker provider list")
        )
    return definition


def _record(deployment: Deployment, provider_id: str) -> ProviderRecord | None:
    place = provider_item_key(provider_id)
    return deployment.store.read(place).get(place)
