"""A server of the local stack answers each request that it has read, whatever happens to its own code."""

import ast
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from local.fake.provider import start as start_provider
from local.stack import http1
from local.stack.http_server import Answer, Serving
from local.stack.loopback_server import LoopbackHandler, LoopbackServer
from local.stack.ports import bind
from tests.kit import ROOT
from tests.kit.requirement import requirement


def get(port: int, host: str = "127.0.0.1", path: str = "/") -> int:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def fail(head: http1.Head, body: bytes, source: object) -> Answer:
    raise RuntimeError("a fault of this server")


class _Failing(LoopbackHandler):
    def do_GET(self) -> None:
        if self.path == "/late":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        raise RuntimeError("a fault of this server")


@pytest.fixture
def failing() -> Iterator[LoopbackServer]:
    server = LoopbackServer(("127.0.0.1", 0), _Failing)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.stop()


@requirement("LOCAL-01")
def test_the_gateway_and_the_embedded_aws_answer_500_where_their_own_code_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Serving(bind("127.0.0.1", 0), fail, lambda bad: (bad.status, [], b"")).start()
    try:
        assert get(server.port) == 500
        assert get(server.port) == 500
    finally:
        server.stop()
    assert "a fault of this server" in caplog.text


@requirement("LOCAL-01")
def test_the_other_servers_answer_500_and_print_why(
    failing: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert get(failing.server_port) == 500
    assert get(failing.server_port, path="/late") == 200
    assert "a fault of this server" in capsys.readouterr().err


@requirement("LOCAL-01")
def test_a_provider_whose_own_code_fails_answers_500(capsys: pytest.CaptureFixture[str]) -> None:
    provider = start_provider(0, "127.0.0.2")
    try:
        provider.grants.clients = None  # type: ignore[assignment]
        assert get(provider.port, "127.0.0.2", "/authorize?client_id=x") == 500
    finally:
        provider.stop()
    assert "AttributeError" in capsys.readouterr().err


@requirement("LOCAL-01")
def test_a_hundred_connections_wait_for_a_server_that_is_busy() -> None:
    server = LoopbackServer(("127.0.0.1", 0), _Failing)
    waiting = [socket.create_connection(("127.0.0.1", server.server_port), 0.5) for _ in range(100)]
    for one in waiting:
        one.close()
    server.server_close()


@requirement("LOCAL-01")
def test_no_other_file_makes_a_server_of_its_own() -> None:
    files = [path for room in ("local", "demo", "token_broker_testing") for path in ROOT.glob(f"{room}/**/*.py")]
    found = {
        str(path.relative_to(ROOT))
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in ("http.server", "wsgiref.simple_server")
    }
    assert found == {"local/stack/loopback_server.py"}
