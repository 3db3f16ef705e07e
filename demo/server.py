"""Serves the demo app: a handful of named files and its configuration, on loopback, with a strict policy."""

import json
import threading
from collections.abc import Mapping
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from urllib.parse import urlsplit

_HERE = Path(__file__).parent
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/callback": ("index.html", "text/html; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/oauth.js": ("oauth.js", "text/javascript; charset=utf-8"),
    "/problems.js": ("problems.js", "text/javascript; charset=utf-8"),
    "/show.js": ("show.js", "text/javascript; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def start(port: int, config: Mapping[str, str], host: str = "127.0.0.1") -> "DemoServer":
    """Serve the app in a thread of its own; port 0 takes a free one.

    config   issuer, client_id, provider (its id), provider_api (the base that /notes is appended to);
             optional: provider_name, scope
    """
    server = DemoServer(port, config, host)
    threading.Thread(target=server.serve_forever, name="demo-app", daemon=True).start()
    return server


class DemoServer(ThreadingHTTPServer):
    """The running app: `url` is its origin, `stop()` ends it. The redirect URI is `url` + "/callback"."""

    daemon_threads = True

    def __init__(self, port: int, config: Mapping[str, str], host: str) -> None:
        super().__init__((host, port), _Handler)
        self.config = dict(config)
        self.url = f"http://{host}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, as HTTPServer does: that may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def stop(self) -> None:
        """End serving and free the port."""
        self.shutdown()
        self.server_close()

    @cached_property
    def policy(self) -> str:
        """Own files, and calls to the broker and to the provider's API alone."""
        origins = {"{0.scheme}://{0.netloc}".format(urlsplit(self.config[name])) for name in ("issuer", "provider_api")}
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


class _Handler(BaseHTTPRequestHandler):
    server: DemoServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/config.json":
            self._answer(200, json.dumps(self.server.config).encode(), "application/json")
        elif path in _FILES:
            name, content_type = _FILES[path]
            self._answer(200, (_HERE / name).read_bytes(), content_type)
        else:
            self._answer(404, b"Not found\n", "text/plain; charset=utf-8")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", self.server.policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the live view shows what happens."""
