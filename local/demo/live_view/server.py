"""Serves the live view on loopback: its page, the stream of what happens, each exchange opened, and its attacks."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.demo.demo_stack import DemoStack
from local.demo.live_view.attacks import ATTACKS, attack, describe_attacks
from local.live.brief import show_brief
from local.live.curl import show_script
from local.live.details import show_details
from local.live.mermaid import show_mermaid
from local.live.recorder import Recorder
from local.live.taps import Taps
from local.stack.loopback_server import LoopbackHandler, LoopbackServer

_DEMO = Path(__file__).resolve().parents[3] / "demo"
_HTML, _CSS, _JS = (f"text/{kind}; charset=utf-8" for kind in ("html", "css", "javascript"))
_FILES = {
    "/": ("live/index.html", _HTML),
    "/theme.css": ("theme.css", _CSS),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{path.name}": (f"live/{path.name}", _CSS) for path in sorted((_DEMO / "live").glob("*.css"))},
    **{f"/{path.name}": (f"live/{path.name}", _JS) for path in sorted((_DEMO / "live").glob("*.js"))},
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def start(port: int, host: str, stack: DemoStack, taps: Taps) -> "LiveServer":
    """Listen at every part and serve, in a thread; port 0 takes a free one. Raises OSError where it is taken."""
    server = LiveServer(port, host, stack, taps.recorder)
    for provider_id, provider in stack.all_providers.items():
        taps.listen_at_provider(provider_id, provider)
    stack.app.hear = taps.hear_app
    threading.Thread(target=server.serve_forever, args=(0.05,), name="live-view", daemon=True).start()
    return server


class LiveServer(LoopbackServer):
    """The running view: `url` is its origin, `stop()` ends it and every stream."""

    def __init__(self, port: int, host: str, stack: DemoStack, recorder: Recorder) -> None:
        super().__init__((host, port), _Handler)
        self.recorder = recorder
        self.stack = stack
        self.authority = f"{host}:{self.server_address[1]}"
        self.url = f"http://{self.authority}"

    @property
    def key_sets(self) -> dict[str, str]:
        """Issuer -> address of its keys."""
        issuer = self.stack.broker.issuer
        found = {issuer: f"{issuer}/jwks"}
        for provider in self.stack.all_providers.values():
            found |= provider.key_sets
        return found

    def stop(self) -> None:
        """End serving and free the port."""
        self.recorder.close()
        super().stop()


class _Handler(LoopbackHandler):
    server: LiveServer

    def do_GET(self) -> None:
        """Only under its own name, so that no other site's name can be made to lead here."""
        path = urlsplit(self.path).path
        if self.headers.get("Host") != self.server.authority:
            self._answer(403, b"Not under this name\n", "text/plain; charset=utf-8")
        elif path == "/events":
            self._follow()
        elif path in _FILES:
            name, content_type = _FILES[path]
            self._answer(200, (_DEMO / name).read_bytes(), content_type)
        elif answer := self._look(path):
            self._answer(200, *answer)
        else:
            self._answer(404, b"Not found\n", "text/plain; charset=utf-8")

    def do_POST(self) -> None:
        """Only the page itself may: a browser names the origin of every POST."""
        path, self.close_connection = urlsplit(self.path).path, True
        name = path.removeprefix("/attacks/")
        if self.headers.get("Origin") != self.server.url or self.headers.get("Host") != self.server.authority:
            self._answer(403, b"For the live view alone\n", "text/plain; charset=utf-8")
        elif path == "/forget":
            self.server.recorder.forget()
            self._json({})
        elif name in ATTACKS:
            self._json(attack(name, self.server.stack, self.server.recorder))
        else:
            self._answer(404, b"Not found\n", "text/plain; charset=utf-8")

    def _look(self, path: str) -> tuple[bytes, str] | None:
        recorder = self.server.recorder
        exports: dict[str, Callable[[list[Any]], str]] = {"/export.mmd": show_mermaid, "/export.sh": show_script}
        if path in exports:
            return exports[path](recorder.all()).encode(), "text/plain; charset=utf-8"
        if path == "/attacks":
            return json.dumps(describe_attacks()).encode(), "application/json"
        number = path.removeprefix("/exchanges/")
        exchange = recorder.find(int(number)) if number.isdecimal() and len(number) < 10 else None
        if exchange is None:
            return None
        details = show_details(exchange, recorder.all(), self.server.key_sets)
        return json.dumps(details, ensure_ascii=False).encode(), "application/json"

    def _follow(self) -> None:
        """Server-sent events: the first of a run says so, each later one is one exchange in its present state."""
        self.close_connection = True
        self.send_response(200)
        for name, value in (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        told = ""
        for run, changed in self.server.recorder.follow():
            lines = [] if run == told else [f"event: run\ndata: {json.dumps(self.server.stack.app.url)}\n\n"]
            lines += [f"event: exchange\ndata: {json.dumps(show_brief(one))}\n\n" for one in changed]
            told = run
            self.wfile.write("".join(lines or [": still here\n\n"]).encode())
            self.wfile.flush()

    def _json(self, document: Any) -> None:
        self._answer(200, json.dumps(document, ensure_ascii=False).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
