"""`dev.py device`: signs in at the running local stack by a code, as a terminal or a television does (RFC 8628)."""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cli.deployment.running_stack import find_running
from cli.invocation import as_typed, name_program
from cli.parser import CommandParser
from local.terminal import Terminal, abbreviate

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
NAME = "dev.py device"  # of the client, too
PROGRAM = name_program(NAME)
SCOPE = "openid profile offline_access"
WORDS = {
    "access_denied": "the user said no",
    "expired_token": "the code has expired; start again for a new one",
}


class Told(Exception):
    """The broker answered with an error; the message is its code."""


def main(arguments: list[str] | None = None, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """0 once it has tokens; 1 where it gets none; 2 where nothing runs that it could ask."""
    options = build_parser().parse_args(arguments)
    terminal = Terminal(sys.stdout)
    running = find_running()
    issuer = options.issuer or (running.issuer if running else None)
    if issuer is None:
        print(as_typed(f"{PROGRAM}: no broker runs here; 'python3 dev.py demo' in another terminal"), file=sys.stderr)
        return 2
    client_id = options.client_id or _register()
    try:
        return _sign_in(terminal, issuer, client_id, options.scope, sleep)
    except Told as refusal:
        terminal.result(f"No tokens: {WORDS.get(str(refusal), refusal)}.", good=False)
        return 1
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: {issuer} does not answer ({error})", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = CommandParser(prog="dev.py device", description=__doc__)
    parser.add_argument("--issuer", metavar="URL", help="default: the stack that runs here")
    parser.add_argument(
        "--client-id", metavar="ID", help='of a public client with "--device"; default: one made for this'
    )
    parser.add_argument("--scope", default=SCOPE, help=f'default: "{SCOPE}"')
    return parser


def _register() -> str:
    """The client of this command at the local stack, made at its first use."""
    from chalicelib.records.client import Client
    from cli.deployment.lookup import find_deployment
    from cli.deployment.operations import create_client, list_clients

    deployment = find_deployment()
    known = [client for client in list_clients(deployment) if client.client_name == NAME]
    if known:
        return known[0].client_id
    scopes = frozenset({*SCOPE.split(), "email", "demo:notes:read"})
    client = Client(
        client_id="",
        client_name=NAME,
        redirect_uris=(),
        token_endpoint_auth_method="none",
        grant_types=frozenset({DEVICE_CODE, "refresh_token"}),
        scopes=scopes,
        providers=frozenset({"*"}),
    )
    return create_client(deployment, client)[0].client_id


def _sign_in(terminal: Terminal, issuer: str, client_id: str, scope: str, sleep: Callable[[float], None]) -> int:
    places = _ask(urllib.request.Request(f"{issuer}/.well-known/oauth-authorization-server"))
    told = _post(places["device_authorization_endpoint"], client_id=client_id, scope=scope)
    terminal.heading("Sign in with a browser, here or on your phone")
    terminal.table(
        [
            ("open", told["verification_uri"], "and type the code"),
            ("code", told["user_code"], f"good for {told['expires_in'] // 60} minutes"),
            ("or open", told["verification_uri_complete"], "and compare the code"),
        ]
    )
    tokens = _poll(terminal, places["token_endpoint"], told, client_id, sleep)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    who = _ask(urllib.request.Request(places["userinfo_endpoint"], headers=bearer))
    terminal.result(f"Signed in as {who.get('name') or who['sub']}.", good=True)
    names = [name for name in ("access_token", "refresh_token", "id_token") if name in tokens]
    terminal.table([(name, abbreviate(tokens[name]), "") for name in names] + [("scope", tokens["scope"], "")])
    return 0


def _poll(
    terminal: Terminal, endpoint: str, told: dict[str, Any], client_id: str, sleep: Callable[[float], None]
) -> dict[str, Any]:
    """Poll until the user has decided, as slowly as the broker requires (RFC 8628 section 3.5)."""
    interval = told["interval"]
    terminal.text(f"Waiting; asking every {interval} seconds.")
    while True:
        sleep(interval)
        try:
            return _post(endpoint, grant_type=DEVICE_CODE, device_code=told["device_code"], client_id=client_id)
        except Told as answer:
            if str(answer) == "slow_down":
                interval += 5
            elif str(answer) != "authorization_pending":
                raise


def _post(url: str, **form: str) -> dict[str, Any]:
    return _ask(urllib.request.Request(url, data=urlencode(form).encode()))


def _ask(request: urllib.request.Request) -> dict[str, Any]:
    """Raises Told."""
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            document: dict[str, Any] = json.load(response)
            return document
    except urllib.error.HTTPError as error:
        raise Told(json.load(error).get("error", str(error.code))) from None
