"""Sites of apps that describe themselves: real https on loopback, and a broker that takes such apps."""

import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key
from local.fake.tls import make_authority
from tests.kit.http.stack import Stack

MANY_HOSTS = tuple(f"{letter}.many.example" for letter in "abcdefghijkl")
HOSTS = ("client.example", "other.example", "third.example", *MANY_HOSTS)
URL = "https://client.example/app.json"
REDIRECT = "https://client.example/cb"
OPEN = frozenset({"openid", "profile", "email", "offline_access", "demo:notes:read"})
GOOD: dict[str, Any] = {"client_id": URL, "client_name": "Some Agent", "redirect_uris": [REDIRECT]}


class Site:
    """What stands at each path, whatever the host; how often it was asked for, and with which headers.

    put     path -> (status, headers, body)
    held    while it is set, nothing is answered
    """

    def __init__(self, folder: Path) -> None:
        self.context, self.ca_file = make_authority(HOSTS, folder)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.held = threading.Event()
        self.held.set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.context = self.context
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def put(self, body: bytes | str, *, path: str = "/app.json", status: int = 200, **headers: str) -> None:
        """Let this stand there from now on."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"content-type": "application/json", **named}, data)

    def describe(self, url: str = URL, *, seconds: int | None = None, **members: Any) -> None:
        """Let a right document stand there."""
        document = {**GOOD, "client_id": url, **members}
        more = {} if seconds is None else {"cache_control": f"max-age={seconds}"}
        self.put(json.dumps({k: v for k, v in document.items() if v is not None}), path=path_of(url), **more)

    def targets(self) -> list[LocalTarget]:
        """How the guarded fetcher reaches it."""
        return [
            LocalTarget(
                host=host,
                port=443,
                address="127.0.0.1",
                connect_port=self.port,
                plain_http=False,
                ca_file=str(self.ca_file),
            )
            for host in HOSTS
        ]

    def stop(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked[self.path] += 1
                site.headers.append({name.lower(): value for name, value in self.headers.items()})
                site.held.wait(20)
                status, headers, body = site.answers.get(self.path, (404, {"content-type": "text/plain"}, b"no"))
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    """TLS in the thread of each connection, so that one that is broken holds nobody up."""

    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            return


def path_of(url: str) -> str:
    """The path of a client id URL, as the site is asked for it."""
    return "/" + url.removeprefix("https://").partition("/")[2]


def start_documents(make_stack: Callable[..., Stack], site: Site, **settings: Any) -> Stack:
    """A broker that takes such clients and reaches the site."""
    site.answers.clear()
    site.asked.clear()
    site.headers.clear()
    site.held.set()
    wide = {
        "document_fetches_per_address": 1000,
        "document_fetches_per_host": 1000,
        "document_fetches_per_minute": 1000,
    }
    stack = make_stack(**{"client_id_documents": True, "open_registration_scopes": OPEN, **wide, **settings})
    stack.targets += site.targets()
    stack.restart()
    return stack


def app(url: str = URL, **fields: Any) -> Client:
    """Such an app as it knows itself: what tests sign in with."""
    values: dict[str, Any] = {
        "client_id": url,
        "client_name": "Some Agent",
        "redirect_uris": (REDIRECT,),
        "token_endpoint_auth_method": "none",
        **fields,
    }
    return Client(**values)


def kept(stack: Stack, url: str = URL) -> Client | None:
    """What the table holds of it."""
    return stack.deployment.store.read(client_item_key(url)).get(client_item_key(url))
