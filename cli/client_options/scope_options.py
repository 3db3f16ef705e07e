"""Options of `broker client update` that add or remove what an app may request."""

import argparse
from typing import Any

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.scope import parse_scope
from chalicelib.records.client import Client
from chalicelib.records.settings import Settings
from cli.client_options.known_scopes import FORCE_HELP, check_scopes, find_catalog
from cli.client_options.redirect_uris import check_redirect_uri
from cli.deployment.operations import Deployment, OperationError

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, EXCHANGE)
OPTIONS = ("add_redirect_uri", "remove_redirect_uri", "add_scope", "remove_scope", "add_grant_type")


def add_options(update: argparse.ArgumentParser) -> None:
    """Add the options; each may repeat."""
    for verb, said in (
        ("add", "add this redirect URI, compared byte for byte"),
        ("remove", "remove this redirect URI"),
    ):
        update.add_argument(f"--{verb}-redirect-uri", action="append", default=[], metavar="URI", help=said)
    update.add_argument(
        "--add-scope", default="", metavar="SCOPE", help="add these scopes; users are asked for consent again"
    )
    update.add_argument("--force", action="store_true", help=FORCE_HELP)
    update.add_argument("--remove-scope", default="", metavar="SCOPE", help="remove these scopes")
    update.add_argument("--add-grant-type", action="append", default=[], choices=GRANT_TYPES, help="may repeat")


def read_fields(client: Client, options: argparse.Namespace, deployment: Deployment) -> dict[str, Any]:
    """The changed fields of a client, checked. Raises OperationError.

    A change that users see or rely on raises `revision`, so users are asked for consent again.
    """
    if not any(getattr(options, name) for name in OPTIONS):
        return {}
    if client.registered_by != "operator":
        raise OperationError("this client registered itself", "the client updates itself with PUT /register/CLIENT_ID")
    scopes = _change_scopes(client, options)
    check_scopes(deployment, find_catalog(deployment), scopes - client.scopes, force=options.force)
    changed: dict[str, Any] = {
        "redirect_uris": _change_uris(client, options, deployment.settings),
        "scopes": scopes,
        "optional_scopes": client.optional_scopes & scopes,
        "grant_types": client.grant_types | _more_grant_types(options),
    }
    fields = {name: value for name, value in changed.items() if value != getattr(client, name)}
    if "redirect_uris" in fields or "scopes" in fields:
        fields["revision"] = client.revision + 1
    _check_whole(client, {**changed, **fields})
    return fields


def _change_uris(client: Client, options: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    for uri in options.add_redirect_uri:
        public = not client.is_confidential
        check_redirect_uri(uri, application_type=client.application_type, settings=settings, public=public)
        if client.first_party and not uri.startswith("https://"):
            raise OperationError("a first-party client needs https redirect URIs", "use a claimed https address")
    for uri in set(options.remove_redirect_uri) - set(client.redirect_uris):
        raise OperationError(f"{uri} is not registered", f"broker client show {client.client_id}")
    kept = [uri for uri in client.redirect_uris if uri not in options.remove_redirect_uri]
    return tuple(dict.fromkeys([*kept, *options.add_redirect_uri]))


def _change_scopes(client: Client, options: argparse.Namespace) -> frozenset[str]:
    try:
        return (client.scopes | parse_scope(options.add_scope)) - parse_scope(options.remove_scope)
    except OAuthError as error:
        raise OperationError(f"the scope is invalid: {error.reason}", '--add-scope "openid github:repo"') from None


def _more_grant_types(options: argparse.Namespace) -> frozenset[str]:
    more = set(options.add_grant_type)
    return frozenset(more | ({"refresh_token"} if more & {"authorization_code", DEVICE_CODE} else set()))


def _check_whole(client: Client, fields: dict[str, Any]) -> None:
    grant_types = fields["grant_types"]
    if "client_credentials" in grant_types and not client.is_confidential:
        raise OperationError("only a client with a secret or a key may act for itself", "broker client create --help")
    if "authorization_code" in grant_types and not fields["redirect_uris"]:
        raise OperationError("sign-ins need a redirect URI", "--add-redirect-uri URI in the same command")
    if EXCHANGE in grant_types and client.handout == "none" and not client.resources:
        said = "this client may get neither providers' tokens nor tokens for an API of yours"
        raise OperationError(said, "broker client create --handout token ... or --resource URI ...")
