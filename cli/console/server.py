"""The console's HTTP server: loopback only, one thread per connection, forms up to 64 KB."""

import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cli.console.console import Console
from cli.console.message import Request, Response, parse_pairs
from cli.console.pages import render, security_headers

ADDRESS = "127.0.0.1"
MAX_FORM = 65_536
IDLE_SECONDS = 30


class ConsoleServer(ThreadingHTTPServer):
    """Listens on a port of 127.0.0.1; `console` is set before it serves. Port 0: any free one."""

    daemon_threads = True
    console: Console

    def __init__(self, port: int) -> None:
        super().__init__((ADDRESS, port), _Handler)

    @property
    def host(self) -> str:
        """As browsers name it in the Host header."""
        return f"{ADDRESS}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # an answer in HTTP/0.9 would have no headers
    server_version = "console"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: ConsoleServer

    def do_GET(self) -> None:
        self._send(self._respond(""))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdecimal() or int(size) > MAX_FORM:
            self.close_connection = True
            return self._send(_refuse(413, "The form is too large."))
        try:
            body = self.rfile.read(int(size)).decode()
        except UnicodeDecodeError:
            return self._send(_refuse(400, "The form cannot be read."))
        self._send(self._respond(body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is no HTTP, or has another method."""
        self.close_connection = True
        self._send(_refuse(code, "The request cannot be read."))

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the link's token is in a URL."""

    def _respond(self, body: str) -> Response:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            query, form = parse_pairs(parts.query), parse_pairs(body)
        except ValueError:
            return _refuse(400, "The request cannot be read.")
        request = Request(method=self.command, path=parts.path, headers=headers, query=query, form=form)
        try:
            return self.server.console.answer(request)
        except Exception:  # noqa: BLE001 - a page that fails must not end the connection without a word
            traceback.print_exc()
            return _refuse(500, "The console has a fault. Its terminal shows the details; the other pages still work.")

    def _send(self, response: Response) -> None:
        body = response.body.encode()
        self.send_response(response.status)
        for name, value in (*security_headers(), *response.headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(body)


def _refuse(status: int, why: str) -> Response:
    return render("denied.html", status=status, title="Not available", why=why)
