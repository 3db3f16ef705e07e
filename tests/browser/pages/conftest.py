"""The pages behind a small server of their own, under their own headers, and one Chromium for each file of tests."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser

from chalicelib.pages.headers import page_headers
from chalicelib.pages.language import LANGUAGES
from chalicelib.pages.page import LeavingPage
from chalicelib.pages.render import render
from tests.browser.pages.examples import every_page
from tests.kit.chromium import chromium


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


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), Handler)
    # A page that goes on by itself cannot be looked at: here it stays. Under its name alone it is in English.
    server.pages = {
        f"{language}/{name}".removeprefix("en/"): render(page, language).replace('http-equiv="refresh"', 'name="stay"')
        for name, page in every_page().items()
        for language in LANGUAGES
    }
    server.posted = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
