"""Serves the demo app: a handful of named files and its configuration, on loopback, with a strict policy.

Where its providers are only played, it also has their levers: GET /played/ID tells how often tokens were refreshed
there, POST /played/ID/expire and /remove pull one. A page of another origin can do neither.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from chalicelib.ports import StoreUnavailable
from local.stack.loopback_server import LoopbackHandler, LoopbackServer

Headers = tuple[tuple[str, str], ...]
_APP = Path(__file__).resolve().parents[2] / "demo"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/callback": ("index.html", "text/html; charset=utf-8"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in (
            "access",
            "accounts",
            "actions",
            "app",
            "card",
            "connect",
            "oauth",
            "problems",
            "session",
            "show",
            "timeline",
        )
    },
    "/theme.css": ("theme.css", "text/css; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_LEVER = re.compile(r"/played/([a-z0-9-]+)(?:/(expire|remove))?")


class Played(Protocol):
    """A simulated provider: what the page may read and change there."""

    def count_refreshes(self) -> int:
        """The number of refresh requests that it received."""

    def expire(self) -> None:
        """Its access tokens end."""

    def remove(self) -> None:
        """Its users remove the app there."""


def start(
    port: int, config: Mapping[str, Any], host: str = "127.0.0.1", played: Mapping[str, Played] | None = None
) -> "DemoServer":
    """Serve the app in a thread of its own; port 0 takes a free one.

    config   issuer, client_id, providers: a list of {id, name, api, things, scope}, to read `api`/`things` with that
             scope of the provider; users sign in at the first one. Optional: scope, asked for at the sign-in
    played   provider id -> its levers; others have none
    """
    server = DemoServer(port, config, host, played or {})
    threading.Thread(target=server.serve_forever, name="demo-app", daemon=True).start()
    return server


class DemoServer(LoopbackServer):
    """The running app: `url` is its origin, `stop()` ends it. The redirect URI is `url` + "/callback".

    hear   called with each page that was sent: URL, headers, status, headers of the answer, body
    """

    def __init__(self, port: int, config: Mapping[str, Any], host: str, played: Mapping[str, Played]) -> None:
        super().__init__((host, port), _Handler)
        self.config = {**config, **({"played": sorted(played)} if played else {})}
        self.played = played
        self.hear: Callable[[str, Headers, int, Headers, bytes], None] | None = None
        self.url = f"http://{host}:{self.server_address[1]}"

    @cached_property
    def policy(self) -> str:
        """Own files, and calls to the broker and to the providers' APIs alone."""
        called = (self.config["issuer"], *(provider["api"] for provider in self.config["providers"]))
        origins = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in called}
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                f"connect-src 'self' {' '.join(sorted(origins))}",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            )
        )


class _Handler(LoopbackHandler):
    server: DemoServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/config.json":
            self._answer(200, json.dumps(self.server.config).encode(), "application/json")
        elif path in _FILES:
            name, content_type = _FILES[path]
            self._answer(200, (_APP / name).read_bytes(), content_type)
        elif played := self._find_lever(path, pulled=False):
            self._answer(200, json.dumps({"refreshes": played.count_refreshes()}).encode(), "application/json")
        else:
            self._answer(404, b"Not found\n", "text/plain; charset=utf-8")

    def do_POST(self) -> None:
        """Only the page itself may: a browser names the origin of every POST."""
        path, self.close_connection = urlsplit(self.path).path, True
        played = self._find_lever(path, pulled=True)
        if played is None:
            self._answer(404, b"Not found\n", "text/plain; charset=utf-8")
        elif self.headers.get("Origin") != self.server.url:
            self._answer(403, b"For the demo app alone\n", "text/plain; charset=utf-8")
        else:
            self._pull(played.expire if path.endswith("/expire") else played.remove)

    def _pull(self, lever: Callable[[], None]) -> None:
        try:
            lever()
        except StoreUnavailable:
            self._answer(503, b"The table was too busy; once more\n", "text/plain; charset=utf-8")
        else:
            self._answer(200, b"{}", "application/json")

    def _find_lever(self, path: str, *, pulled: bool) -> Played | None:
        found = _LEVER.fullmatch(path)
        return self.server.played.get(found[1]) if found and bool(found[2]) == pulled else None

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        headers = (
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", self.server.policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        )
        if self.server.hear and content_type.startswith("text/html"):
            self.server.hear(self.server.url + self.path, tuple(self.headers.items()), status, headers, body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
