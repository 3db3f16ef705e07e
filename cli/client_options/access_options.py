"""broker client update: which scopes users may deselect, and at which APIs and in which ways the client gets tokens."""

import argparse
from typing import Any, get_args

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope
from chalicelib.records.client import MOST_RESOURCES, Client, ResponseMode
from cli.client_options.scope_options import EXCHANGE
from cli.deployment.operations import Deployment, OperationError, list_resources

OPTIONS = ("optional_scope", "resource", "serves", "response_mode")


def add_options(update: argparse.ArgumentParser) -> None:
    """Add the options; each replaces what the client has."""
    add = update.add_argument
    add("--optional-scope", metavar="SCOPE", help='replace the scopes that the user may deselect; "" for none')
    said = 'replace the APIs of yours that it may request tokens for; may repeat; "" for none'
    add("--resource", action="append", metavar="URI", help=said)
    said = 'replace the audiences for which it may introspect tokens; may repeat; "" for none'
    add("--serves", action="append", metavar="URI", help=said)
    add("--response-mode", action="append", choices=get_args(ResponseMode), help="replace its modes; may repeat")


def read_fields(deployment: Deployment, client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """The changed fields of a client, checked. Raises OperationError.

    client   as it is after the other changes of this command

    A scope that becomes required and a new API raise `revision`, so users are asked for consent again.
    """
    given = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    if given and client.registered_by != "operator":
        raise OperationError("this client registered itself", "the client updates itself with PUT /register/CLIENT_ID")
    fields: dict[str, Any] = {}
    if "optional_scope" in given:
        fields["optional_scopes"] = read_optional(given["optional_scope"], client.scopes)
    if "resource" in given:
        fields["resources"] = _read_resources(client, given["resource"])
    if "serves" in given:
        fields["serves"] = frozenset(given["serves"]) - {""}
        check_serves(fields["serves"], confidential=client.is_confidential)
    if "response_mode" in given:
        fields["response_modes"] = frozenset(given["response_mode"])
    changed = {name: value for name, value in fields.items() if value != getattr(client, name)}
    added = changed.get("resources", frozenset()) | changed.get("serves", frozenset())
    check_registered(deployment, added - client.resources - client.serves)
    more = not changed.get("optional_scopes", client.optional_scopes) >= client.optional_scopes
    more |= not changed.get("resources", client.resources) <= client.resources
    return changed | ({"revision": client.revision + 1} if more else {})


def read_optional(text: str, scopes: frozenset[str]) -> frozenset[str]:
    """The optional ones of these scopes. Raises OperationError."""
    try:
        optional = parse_scope(text)
    except OAuthError as error:
        raise OperationError(f"--optional-scope is invalid: {error.reason}", '--optional-scope "github:repo"') from None
    if not optional <= scopes:
        raise OperationError("--optional-scope names what --scope does not", "name it in both")
    return optional


def check_resources(resources: frozenset[str]) -> None:
    """Raises OperationError."""
    if len(resources) > MOST_RESOURCES:
        raise OperationError(
            f"a client may have {MOST_RESOURCES} APIs at most", "register a second client for the others"
        )


def check_serves(serves: frozenset[str], *, confidential: bool) -> None:
    """Raises OperationError."""
    if serves and not confidential:
        raise OperationError(
            "only a client with a secret or a key may introspect", "add --auth-method client_secret_basic"
        )


def check_registered(deployment: Deployment, audiences: frozenset[str]) -> None:
    """Raises OperationError for the first API that is not registered."""
    known = {resource.audience for resource in list_resources(deployment)} if audiences else set()
    for audience in sorted(audiences - known):
        raise OperationError(f"there is no resource {audience}", f"broker resource create --audience {audience}")


def _read_resources(client: Client, given: list[str]) -> frozenset[str]:
    resources = frozenset(given) - {""}
    check_resources(resources)
    if client.bff_api and client.bff_api.resource not in resources:
        resources |= {client.bff_api.resource}  # the pages call it
    if EXCHANGE in client.grant_types and client.handout == "none" and not resources and not client.serves:
        said = "this client could get neither providers' tokens nor tokens for an API of yours"
        raise OperationError(said, "--resource URI")
    return resources
