"""What a test may have done around the broker: an app registered, a person sent through its pages, a token ended.

POST a JSON object to /client, /sign-in, /expire or /remove. Programs alone can: a page of another site cannot send that
type, and one whose name was made to lead here is known by its Host or its Origin.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from local.browser import Browser, Exchange, read_page
from local.demo.backend import Behind
from local.demo.parts import PARTS, SCOPES
from local.stack.loopback_server import LoopbackHandler, LoopbackServer

GRANT = "urn:ietf:params:oauth:grant-type:"
STEPS = 12
YES = ("allow", "sign_in", "continue")
Answerer = Callable[[Mapping[str, Any]], dict[str, Any]]


class Unclear(Exception):
    """It cannot be done; the message says why."""


def register(behind: Behind, document: Mapping[str, Any]) -> dict[str, Any]:
    """An app: its id and its secret, if it has one. Without other words it is public and may do everything.

    document   `scope` as a text, and any other field of chalicelib/records/client.py

    Raises Unclear.
    """
    import msgspec

    from chalicelib.records.client import Client
    from cli.deployment.operations import create_client

    scope = {"scopes": document["scope"].split()} if isinstance(document.get("scope"), str) else {}
    wanted = {
        "client_id": "",
        "client_name": "App under test",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", f"{GRANT}token-exchange", f"{GRANT}device_code"],
        "application_type": "native",
        "scopes": sorted(SCOPES.union(*(part.scopes for part in behind.parts))),
        "providers": ["*"],
        "handout": "token",
        **{name: value for name, value in document.items() if name != "scope"},
        **scope,
    }
    try:
        client, secret = create_client(behind.broker.deployment, msgspec.convert(wanted, Client))
    except msgspec.ValidationError as error:
        raise Unclear(str(error)) from None
    return {"client_id": client.client_id, **({"client_secret": secret} if secret else {})}


def walk(places: tuple[str, ...], url: str, user: str, provider: str = PARTS[0].provider_id) -> Exchange:
    """A person in a browser of their own: the last answer, which leads out of `places` or nowhere.

    user       alice or bob; refuse and deny: who says no, at the provider and to the broker
    provider   the choice, if the broker's page offers one
    """
    browser = Browser()
    leads = browser.get(url)
    for _ in range(STEPS):
        if leads.location:
            if not leads.location.startswith(places):
                return leads
            leads = browser.get(leads.location)
            continue
        forms = read_page(leads.text).forms
        if leads.status >= 400 or not forms or not forms[0].buttons:
            return leads
        wanted = [("decision", user), ("provider", provider), *(("decision", value) for value in YES)]
        pressed = next((one for one in wanted if one in forms[0].buttons), forms[0].buttons[0])
        leads = browser.submit(leads, *pressed)
    raise Unclear(f"the way from {url.partition('?')[0]} has no end")


class Control(LoopbackServer):
    """Listens once made; `url` is its address."""

    def __init__(self, behind: Behind) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._behind = behind
        self.answerers: dict[str, Answerer] = {
            "/client": lambda said: register(behind, said),
            "/sign-in": self._sign_in,
            "/expire": lambda said: self._play(said, "expire"),
            "/remove": lambda said: self._play(said, "remove"),
        }
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def _sign_in(self, said: Mapping[str, Any]) -> dict[str, Any]:
        providers = self._behind.all_providers
        places = (self._behind.broker.issuer, *(provider.url for provider in providers.values()))
        if not str(said.get("url", "")).startswith(self._behind.broker.issuer):
            raise Unclear("url: an address of this broker is wanted")
        provider = self._find_provider(said.get("provider") or PARTS[0].provider_id)
        end = walk(places, str(said["url"]), str(said.get("user", "alice")), provider)
        if end.status >= 400:
            raise Unclear(f"it ended at a page with status {end.status}: {read_page(end.text).heading.strip()}")
        return {"location": end.location or end.url}

    def _play(self, said: Mapping[str, Any], lever: str) -> dict[str, Any]:
        from local.demo.controls import Played

        name = self._find_provider(said.get("provider"))
        played = Played(name, self._behind.all_providers[name], self._behind.broker.deployment)
        (played.expire if lever == "expire" else played.remove)()
        return {}

    def _find_provider(self, name: object) -> str:
        if name not in self._behind.all_providers:
            raise Unclear(f"provider: one of {', '.join(self._behind.all_providers)} is wanted")
        return str(name)


class _Handler(LoopbackHandler):
    server: Control

    def do_POST(self) -> None:
        answerer = self.server.answerers.get(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "Origin" in self.headers or self.headers.get("Host") != self.server.url.removeprefix("http://"):
            return self._answer(403, {"error": "for programs of this machine alone"})
        if answerer is None or self.headers.get("Content-Type") != "application/json":
            return self._answer(404, {"error": f"POST JSON to one of {', '.join(self.server.answerers)}"})
        try:
            said = json.loads(body)
            self._answer(200, answerer(said if isinstance(said, dict) else {}))
        except (Unclear, ValueError, LookupError) as error:
            self._answer(400, {"error": str(error)})

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
