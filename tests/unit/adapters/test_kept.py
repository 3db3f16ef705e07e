"""Connections that are kept: used again while they are good, by one request at a time, and never when they are not."""

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.adapters.aws import connection_pool
from chalicelib.adapters.aws.connection_pool import ConnectionPool, Unanswered
from tests.kit.requirement import requirement
from tests.kit.servers import Authority

Say = Callable[[bytes], bytes | None]


def plain(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), more, body)


class Keeping:
    """A server that keeps its connections open and answers each request with what `say` makes of its body.

    connections   how many it has accepted; None as an answer ends the connection without a word
    """

    def __init__(self, say: Say = plain, tls: ssl.SSLContext | None = None) -> None:
        self.say, self.connections, self.open = say, 0, list[socket.socket]()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.open.append(connection)
            with connection, connection.makefile("rb") as lines:
                while lines.readline():
                    head = list(iter(lines.readline, b"\r\n"))
                    (length,) = [int(line.split()[1]) for line in head if line.lower().startswith(b"content-length")]
                    answer = self.say(lines.read(length))
                    if answer is None:
                        return
                    connection.sendall(answer)
        except OSError:
            return

    def hang_up(self) -> None:
        """End every connection, and wait until that has arrived."""
        for connection in self.open:
            connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.1)

    def stop(self) -> None:
        self._listener.close()


Serve = Callable[..., Keeping]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Keeping] = []

    def start(say: Say = plain, tls: ssl.SSLContext | None = None) -> Keeping:
        servers.append(Keeping(say, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def reach(server: Keeping, *, url: str = "http://127.0.0.1", most: int = 32) -> ConnectionPool:
    return ConnectionPool(f"{url}:{server.port}", connect_seconds=2, read_seconds=2, most=most)


def ask(connections: ConnectionPool, body: bytes = b"x") -> bytes:
    return connections.post(body, {"Content-Type": "text/plain"}).body


def test_one_after_the_other_they_share_one_connection(serve: Serve) -> None:
    server = serve()
    connections = reach(server)
    assert [ask(connections, b"%d" % number) for number in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1


def test_at_once_each_has_one_of_its_own_and_its_own_answer(serve: Serve) -> None:
    together = threading.Barrier(8)

    def say(body: bytes) -> bytes:
        together.wait(10)
        return plain(body)

    server = serve(say)
    connections = reach(server, most=3)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            sent = [b"%d" % number for number in range(8)]
            assert list(pool.map(lambda body: ask(connections, body), sent)) == sent
    assert server.connections == 8 + 5 + 5, "three are kept each time"


@requirement("BUDGET")
def test_one_that_ended_while_it_was_silent_is_noticed_before_it_is_used(serve: Serve) -> None:
    server = serve()
    connections = reach(server)
    ask(connections)
    server.hang_up()
    assert ask(connections) == b"x" and server.connections == 2


def test_one_that_was_silent_for_long_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    connections = reach(server)
    ask(connections)
    monkeypatch.setattr(connection_pool, "IDLE_SECONDS", 0.0)
    assert ask(connections) == b"x" and server.connections == 2


def test_whoever_is_thrown_away_closes_what_was_kept(serve: Serve) -> None:
    connections = reach(serve())
    ask(connections)
    ((_, kept_one),) = connections._idle
    raw = kept_one.sock
    del connections
    assert raw is not None and raw.fileno() == -1


def test_one_that_the_server_wants_closed_is(serve: Serve) -> None:
    server = serve(lambda body: plain(body, b"Connection: close\r\n"))
    connections = reach(server)
    assert (ask(connections), ask(connections)) == (b"x", b"x") and server.connections == 2


@requirement("BUDGET")
@pytest.mark.parametrize(
    "broken", [None, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"what is this\r\n\r\n"]
)
def test_what_is_no_whole_answer_is_said_and_its_connection_never_used_again(
    serve: Serve, broken: bytes | None
) -> None:
    told: list[bytes | None] = [plain(b"1"), broken, plain(b"3")]
    server = serve(lambda _: told.pop(0))
    connections = ConnectionPool(f"http://127.0.0.1:{server.port}", connect_seconds=2, read_seconds=0.3, most=4)
    assert ask(connections) == b"1"
    with pytest.raises(Unanswered):
        ask(connections)
    assert ask(connections) == b"3" and server.connections == 2


@requirement("BUDGET")
def test_what_nobody_asked_for_is_not_taken_for_the_next_answer(serve: Serve) -> None:
    server = serve()
    connections = reach(server)
    assert ask(connections, b"1") == b"1"
    server.open[0].sendall(plain(b"of nobody"))
    time.sleep(0.1)
    assert ask(connections, b"2") == b"2" and server.connections == 2


@requirement("BUDGET")
def test_what_was_decrypted_and_nobody_asked_for_is_not_either(
    serve: Serve, tmp_path: Path, trust: Callable[[str], None]
) -> None:
    """The socket is silent: what is left stands in the TLS layer, just behind what was read at once."""
    authority = Authority(tmp_path)
    trust(authority.ca_file)

    def say(body: bytes) -> bytes:
        pad = io.DEFAULT_BUFFER_SIZE - len(plain(body, b"X-Pad: \r\n"))
        return plain(body, b"X-Pad: " + b"x" * pad + b"\r\n") + plain(b"of nobody")

    server = serve(say, tls=authority.server_context("localhost"))
    connections = reach(server, url="https://localhost")
    before = server.connections
    assert [ask(connections, b"1"), ask(connections, b"2")] == [b"1", b"2"] and server.connections == before + 2


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connections = ConnectionPool(f"http://127.0.0.1:{port}", connect_seconds=2, read_seconds=2, most=1)
    with pytest.raises(Unanswered):
        ask(connections)


def test_certificates_are_verified(serve: Serve, tmp_path: Path, trust: Callable[[str], None]) -> None:
    authority = Authority(tmp_path)
    right, wrong = (serve(tls=authority.server_context(name)) for name in ("localhost", "elsewhere.example"))
    with pytest.raises(Unanswered):
        ask(reach(right, url="https://localhost"))
    trust(authority.ca_file)
    connections = reach(right, url="https://localhost")
    before = right.connections
    assert (ask(connections), ask(connections)) == (b"x", b"x") and right.connections == before + 1
    with pytest.raises(Unanswered):
        ask(reach(wrong, url="https://localhost"))
