"""The demo's static server sends named files with a strict policy, and nothing else."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib.ports import StoreUnavailable
from local.demo import app_server as server_module
from local.demo.app_server import DemoServer, start

SCRIPTS = sorted((Path(server_module.__file__).parents[2] / "demo").glob("*.js"))
CONFIG = {
    "issuer": "http://127.0.0.1:8100/base",
    "client_id": "0" * 32,
    "providers": [
        {"id": "a", "name": "A", "api": "http://127.0.0.2:8200/api", "things": "notes", "scope": "notes:read"},
        {"id": "b", "name": "B", "api": "http://127.0.0.3:8300/api", "things": "events", "scope": "events:read"},
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    running = start(0, CONFIG)
    yield running
    running.stop()


class Lever:
    """A provider that remembers what was played."""

    def __init__(self) -> None:
        self.pulled: list[str] = []

    def count_refreshes(self) -> int:
        return 3

    def expire(self) -> None:
        self.pulled.append("expire")

    def remove(self) -> None:
        self.pulled.append("remove")


def _get(server: DemoServer, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/callback?code=x&state=y", "text/html; charset=utf-8"),
        *((f"/{script.name}", "text/javascript; charset=utf-8") for script in SCRIPTS),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_comes_with_its_type_and_the_policy(server: DemoServer, path: str, content_type: str) -> None:
    response, body = _get(server, path)
    assert response.status == 200 and body
    assert response.headers["Content-Type"] == content_type
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "connect-src 'self' http://127.0.0.1:8100 http://127.0.0.2:8200 http://127.0.0.3:8300" in policy
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} < {*policy}


def test_the_configuration_is_what_was_given(server: DemoServer) -> None:
    response, body = _get(server, "/config.json")
    assert json.loads(body) == CONFIG and response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/server.py", "/../pyproject.toml", "/%2e%2e/dev.py", "/app.js/", "/nothing"])
def test_no_other_file_is_served(server: DemoServer, path: str) -> None:
    assert _get(server, path)[0].status == 404


def test_head_answers_without_a_body(server: DemoServer) -> None:
    response, body = _get(server, "/", "HEAD")
    assert response.status == 200 and int(response.headers["Content-Length"]) > 0 and body == b""


def test_levers_are_pulled_by_the_page_alone() -> None:
    lever = Lever()
    running = start(0, CONFIG, played={"a": lever})
    try:
        assert json.loads(_get(running, "/config.json")[1])["played"] == ["a"]
        assert json.loads(_get(running, "/played/a")[1]) == {"refreshes": 3}
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            assert _get(running, "/played/a/expire", "POST", **headers)[0].status == 403
        assert lever.pulled == []
        for name in ("expire", "remove"):
            assert _get(running, f"/played/a/{name}", "POST", Origin=running.url)[0].status == 200
        assert lever.pulled == ["expire", "remove"]
        for path in ("/played/b/expire", "/played/a", "/played/a/explode", "/"):
            assert _get(running, path, "POST", Origin=running.url)[0].status == 404
        assert _get(running, "/played/b")[0].status == _get(running, "/played/a/expire")[0].status == 404
    finally:
        running.stop()


def test_a_lever_that_meets_a_busy_table_is_answered() -> None:
    class Busy(Lever):
        def expire(self) -> None:
            raise StoreUnavailable("UpdateItem")

    running = start(0, CONFIG, played={"a": Busy()})
    try:
        response, body = _get(running, "/played/a/expire", "POST", Origin=running.url)
        assert (response.status, body) == (503, b"The table was too busy; once more\n")
    finally:
        running.stop()
