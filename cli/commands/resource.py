"""broker resource create|update|list|delete: your own APIs, which accept the broker's access tokens."""

import argparse
import re
from typing import Any

from msgspec.structs import replace

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope, split_by_provider
from chalicelib.records.client import Client
from chalicelib.records.item_keys import resource_item_key
from chalicelib.records.resource import Resource
from cli.client_options.known_scopes import find_catalog
from cli.deployment.operations import (
    Deployment,
    OperationError,
    create_resource,
    list_clients,
    list_resources,
)
from cli.output import resource_row

_AUDIENCE = re.compile(r"(?:https|http|urn):[^\s#]+")
LIST = "broker resource list"
LIFETIME = (30, 86400)  # seconds
SCOPES_HELP = "scopes of the API"


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker resource`."""
    verbs = groups.add_parser("resource", help="manage your own APIs").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    said = "register an API that accepts the broker's access tokens"
    add_create_options(verbs.add_parser("create", parents=[common], help=said))
    update = verbs.add_parser("update", parents=[common], help="change the scopes of an API, or its tokens' lifetime")
    add_update_options(update)
    verbs.add_parser("list", parents=[common], help="list all APIs").set_defaults(act=_list)
    delete = verbs.add_parser("delete", parents=[common], help="delete an API that no client may request tokens for")
    delete.add_argument("--audience", required=True, metavar="URI")
    delete.set_defaults(act=remove_resource)


def add_create_options(create: argparse.ArgumentParser) -> None:
    """The options of `broker resource create`."""
    create.add_argument("--audience", required=True, metavar="URI")
    create.add_argument("--scope", default="", help=SCOPES_HELP)
    create.add_argument(
        "--lifetime", type=int, metavar="SECONDS", help="lifetime of its tokens (default: that of the deployment)"
    )
    create.set_defaults(act=_create)


def add_update_options(update: argparse.ArgumentParser) -> None:
    """The options of `broker resource update`."""
    update.add_argument("--audience", required=True, metavar="URI")
    update.add_argument("--scope", help=f"{SCOPES_HELP}; replaces all of them")
    update.add_argument("--lifetime", type=int, metavar="SECONDS", help="lifetime of its tokens; 0: the deployment's")
    update.set_defaults(act=_update)


def find_resource(deployment: Deployment, audience: str) -> Resource:
    """The API. Raises OperationError if it is not registered."""
    place = resource_item_key(audience)
    found = deployment.store.read(place).get(place)
    if found is None:
        raise OperationError(f"there is no resource {audience}", LIST)
    return found


def change_resource(deployment: Deployment, resource: Resource, options: argparse.Namespace) -> Resource:
    """Change an API as it was read. Raises OperationError, also if another process changes it."""
    scopes = resource.scopes if options.scope is None else _read_scopes(deployment, options.scope)
    seconds = resource.token_seconds if options.lifetime is None else _read_lifetime(options.lifetime or None)
    changed = replace(resource, scopes=scopes, token_seconds=seconds)
    place = resource_item_key(resource.audience)
    written = deployment.put_fields(place, changed, "scopes", "token_seconds", read=resource)
    if written is None:
        raise OperationError(f"resource {resource.audience} was changed by another process", LIST)
    return written


def name_users(clients: list[Client], audience: str) -> list[str]:
    """The ids of clients that may request tokens for this API or introspect them."""
    return [client.client_id for client in clients if audience in client.resources | client.serves]


def _create(deployment: Deployment, options: argparse.Namespace) -> Any:
    if not _AUDIENCE.fullmatch(options.audience):
        raise OperationError(
            "--audience must be an absolute URI without a fragment", "--audience https://api.example.com"
        )
    seconds = _read_lifetime(options.lifetime)
    resource = Resource(
        audience=options.audience, scopes=_read_scopes(deployment, options.scope), token_seconds=seconds
    )
    return resource_row(create_resource(deployment, resource))


def _update(deployment: Deployment, options: argparse.Namespace) -> Any:
    if options.scope is None and options.lifetime is None:
        raise OperationError("nothing to change", "add --scope or --lifetime")
    return resource_row(change_resource(deployment, find_resource(deployment, options.audience), options))


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    return [resource_row(resource) for resource in list_resources(deployment)]


def remove_resource(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Tokens that were issued for the API stay valid until they expire, for an API that verifies them offline.

    Raises OperationError.
    """
    resource = find_resource(deployment, options.audience)
    if users := name_users(list_clients(deployment), resource.audience):
        raise OperationError(f"client {users[0]} may use {resource.audience}", f"broker client show {users[0]}")
    deployment.delete(resource_item_key(resource.audience))
    return {"audience": resource.audience, "deleted": True}


def _read_lifetime(seconds: int | None) -> int | None:
    least, most = LIFETIME
    if seconds is not None and not least <= seconds <= most:
        raise OperationError(
            f"--lifetime must be between {least} and {most} seconds", "omit the option for the default"
        )
    return seconds


def _read_scopes(deployment: Deployment, text: str) -> frozenset[str]:
    try:
        scopes = parse_scope(text)
    except OAuthError as error:
        raise OperationError(f"--scope is invalid: {error.reason}", '--scope "orders:read"') from None
    _check_no_providers(deployment, scopes)
    return scopes


def _check_no_providers(deployment: Deployment, scopes: frozenset[str]) -> None:
    """A scope that starts with a provider's id belongs to that provider; no API of the team may have it."""
    try:
        theirs = split_by_provider(scopes, find_catalog(deployment).ids).keys() - {""}
    except OAuthError:
        raise OperationError("a scope consists only of a provider's id", '--scope "orders:read"') from None
    if theirs:
        raise OperationError(f"{min(theirs)}: is reserved for scopes of that provider", '--scope "orders:read"')
