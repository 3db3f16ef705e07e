"""A provider's API on loopback, over TLS and under its own names, and an app that calls it through the proxy."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from local.fake.tls import make_authority
from tests.kit import ROOT
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session

HOST, LISTED, STRANGER = "api.demo.example", "files.demo.example", "elsewhere.example"
BASE = f"https://{HOST}/v1"
DEMO = ROOT / "local" / "providers" / "demo.toml"
FILE = f"""
[api]
base_url = "{BASE}"
hosts = ["{HOST}", "{LISTED}"]
headers = {{ X-Demo-Version = "7", Accept-Language = "tlh", X-Demo-App = "{{client_id}}" }}
"""


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    host: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        """The bearer token."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Told:
    """What the API answers; `raw` writes it instead."""

    status: int = 200
    body: bytes = b'{"fine": true}'
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    raw: "Callable[[Any], None] | None" = None


@dataclass
class Api:
    """Listens once made.

    asked     everything it received, in order
    answer    what it answers
    """

    folder: Path
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Told] = lambda asked: Told()

    def __post_init__(self) -> None:
        context, self.ca_file = make_authority((HOST, LISTED, STRANGER), self.folder)
        self._server = _Server(("127.0.0.1", 0), self, context)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def targets(self) -> list[LocalTarget]:
        """For a broker's fetcher: strangers too, so that nothing but the broker's own rules keeps it from them."""
        more = {"address": "127.0.0.1", "connect_port": self._server.server_port, "plain_http": False}
        return [
            LocalTarget(host=host, port=443, ca_file=str(self.ca_file), **more) for host in (HOST, LISTED, STRANGER)
        ]

    def reset(self) -> None:
        self.asked.clear()
        self.answer = lambda asked: Told()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], api: Api, context: ssl.SSLContext) -> None:
        self.api, self.context = api, context
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, headers.get("host", ""), self.path, headers, body)
        self.server.api.asked.append(asked)
        told = self.server.api.answer(asked)
        if told.raw is not None:
            self.close_connection = True
            return told.raw(self)
        self.send_response_only(told.status)
        for name, value in told.headers:
            self.send_header(name, value)
        if told.status not in (204, 304):
            self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD" and told.status not in (204, 304):
            self.wfile.write(told.body)
        return None

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET


@dataclass(frozen=True)
class Got:
    """What the app gets; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str, str | None]:
        """Status, error, reason: of an answer of ours."""
        assert self.header("broker-answer") == "broker"
        return self.status, self.json["error"], self.json.get("reason")


@dataclass
class Proxied:
    """Calls through a broker; `api` where its demo provider's API is another than its own."""

    stack: Stack
    own: Api | None = None

    @property
    def api(self) -> Api:
        """What is called."""
        assert self.own is not None
        return self.own

    def call(
        self,
        token: Session | str | None,
        method: str = "GET",
        path: str = "/proxy/demo/notes",
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Got:
        """One request, its path sent as it stands."""
        connection = http.client.HTTPConnection(self.stack.netloc, timeout=60)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            if token is not None:
                bearer = token if isinstance(token, str) else token.access
                connection.putheader("Authorization", f"Bearer {bearer}")
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            content = response.read()
            return Got(response.status, tuple((n.lower(), v) for n, v in response.getheaders()), content)
        finally:
            connection.close()


def provider_dir(folder: Path, more: str = FILE) -> str:
    """A folder with the demo provider's file, its API elsewhere."""
    text = DEMO.read_text().replace('[api]\nbase_url = "/api"\n', more)
    text = text if more else text.replace('"api", ', "")
    assert more in text and '"/api"' not in text
    (folder / "demo.toml").write_text(text)
    return str(folder)


def start_proxied(make_stack: Callable[..., Stack], api: Api, folder: Path, **settings: Any) -> Proxied:
    """A broker that reaches this API."""
    api.reset()
    stack = make_stack(provider_dirs=(provider_dir(folder),), **settings)
    stack.targets += api.targets
    stack.restart()
    return Proxied(stack, api)


def notes_of(stack: Stack, token: str) -> str:
    """Whose notes the provider shows for this token."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "test"}
    answer = request(stack.provider.url.removeprefix("http://"), "GET", "/api/notes", headers=headers)
    return str(answer.json.get("owner"))
