"""broker client update: the options of `create` that can change later, and why the others cannot."""

import argparse
from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.redirect_uri import check_registrable
from chalicelib.records.client import Client
from cli.client_options import known_scopes
from cli.deployment.operations import Deployment, OperationError

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OPTIONS = ("name", "handout", "provider", "client_uri", "login_uri")
_HANDOUTS = ("none", "proxy", "token")
_FIXED = {
    "native": "it would change how redirect URIs match while sign-ins are in progress",
    "for_itself": "add the grant type: --add-grant-type client_credentials",
    "device": "add the grant type: --add-grant-type urn:ietf:params:oauth:grant-type:device_code",
    "first_party": "register another client; users of this client were promised a consent page",
}


def add_options(update: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = update.add_argument
    add("--name", help="the name on the consent page; users are asked for consent again")
    add(
        "--handout",
        choices=_HANDOUTS,
        help="how it may use providers' tokens; if this grants more, users are asked for consent again",
    )
    add("--provider", action="append", metavar="ID", help="replace its providers; may repeat; * for every enabled one")
    add("--client-uri", metavar="URI", help='the app\'s website; "" removes it')
    add("--login-uri", metavar="URI", help='where the app starts a sign-in; "" removes it')
    for option, why in _FIXED.items():
        add(f"--{option.replace('_', '-')}", action=Fixed, nargs=0, help=argparse.SUPPRESS, why=why)


class Fixed(argparse.Action):
    """An option of `create` that `update` rejects."""

    def __init__(self, *, why: str, **known: Any) -> None:
        super().__init__(default=argparse.SUPPRESS, **known)
        self.why = why

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        """End with 2."""
        parser.error(f"{self.option_strings[0]} cannot be changed: {self.why}")


def read_fields(deployment: Deployment, client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """The changed fields of a client, checked. Raises OperationError."""
    given = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    if given and client.registered_by != "operator":
        raise OperationError("this client registered itself", "the client updates itself with PUT /register/CLIENT_ID")
    fields: dict[str, Any] = {}
    if "name" in given:
        fields["client_name"] = check_name(given["name"])
    if "handout" in given:
        fields["handout"] = given["handout"]
        fields["grant_types"] = _grant_types(client, given["handout"])
    if "provider" in given:
        known_scopes.check_providers(known_scopes.find_catalog(deployment), given["provider"])
        fields["providers"] = frozenset(given["provider"])
    for name, field in (("client_uri", "client_uri"), ("login_uri", "initiate_login_uri")):
        if name in given:
            fields[field] = check_page(f"--{name.replace('_', '-')}", given[name]) or None
    changed = {name: value for name, value in fields.items() if value != getattr(client, name)}
    return changed | ({"revision": client.revision + 1} if _is_more(client, changed) else {})


def _is_more(client: Client, changed: Mapping[str, Any]) -> bool:
    """Whether users see or allow anything new."""
    wider = _HANDOUTS.index(changed.get("handout", "none")) > _HANDOUTS.index(client.handout)
    more = not changed.get("providers", frozenset()) <= client.providers and "*" not in client.providers
    return "client_name" in changed or wider or more


def _grant_types(client: Client, handout: str) -> frozenset[str]:
    """Every token hand-out needs token exchange. A client that acts for users keeps it in any case."""
    if handout != "none":
        return client.grant_types | {EXCHANGE}
    return client.grant_types if client.serves or client.resources else client.grant_types - {EXCHANGE}


def check_name(name: str) -> str:
    """Raises OperationError."""
    if not name.strip() or not name.isprintable():
        raise OperationError("--name must be printable text", '--name "My App"')
    return name


def check_page(option: str, uri: str) -> str:
    """An address that the broker's pages link to; "" means no address. Raises OperationError."""
    try:
        check_registrable(uri or "https://app.example/", application_type="web")
    except OAuthError:
        raise OperationError(f"{option} must be an https address", f"{option} https://app.example/") from None
    return uri
