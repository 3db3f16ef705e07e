"""A small server of rendered pages, under their own headers."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from chalicelib.pages.headers import page_headers
from chalicelib.pages.leaving import LeavingPage
from chalicelib.pages.render import render


class Site(ThreadingHTTPServer):
    """Pages by path, and the forms that came."""

    pages: dict[str, str]
    posted: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self._send(self.server.pages.get(unquote(self.path[1:]), "<!doctype html><title>elsewhere</title>"))

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._send(render(LeavingPage(url=f"http://localhost:{self.server.server_port}/elsewhere", name="GitHub")))

    def _send(self, html: str) -> None:
        self.send_response(200)
        for name, value in page_headers(has_form="<form" in html):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
