"""HTTP/1.1 on a listening socket, with persistent connections. Each has a thread that handles its requests in order."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Self

from local.stack import http1
from local.stack.ports import port_of

IDLE_SECONDS = 75
log = logging.getLogger("local.stack.http_server")

Answer = tuple[int, list[tuple[str, str]], bytes]


class Serving:
    """Listening once made, serving after `start`.

    answer   status, headers and body for a complete request and the address it came from
    refuse   the same for bytes that are no request; the connection then ends
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[http1.Head, bytes, Any], Answer],
        refuse: Callable[[http1.BadMessage], Answer],
    ) -> None:
        self._listener, self._answer, self._refuse = listener, answer, refuse
        self.port = port_of(listener)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def start(self) -> Self:
        """Serve in threads of its own until `stop`."""
        threading.Thread(target=self._accept, daemon=True, name="accepting").start()
        return self

    def stop(self) -> None:
        """Stop listening and let idle connections go; an answer on its way is still sent."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, source = self._listener.accept()
            except OSError:
                if self._listener.fileno() < 0:
                    return
                continue  # that caller went away before it was served; others wait
            threading.Thread(target=self._serve, args=(connection, source), daemon=True).start()

    def _serve(self, connection: socket.socket, source: Any) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            connection.settimeout(IDLE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, connection.makefile("rb") as stream:
                while self._exchange(connection, stream, source):
                    pass
        except OSError:
            return  # the caller went away or fell silent: nobody is left to tell
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _exchange(self, connection: socket.socket, stream: Any, source: Any) -> bool:
        """One request and its answer; true when another may follow."""
        method = "GET"
        try:
            head = http1.read_head(stream)
            if head is None:
                return False
            method = head.method
            if any(value.lower() == "100-continue" for value in head.values("expect")):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = http1.read_body(stream, head)
        except http1.BadMessage as bad:
            self._send(connection, self._refuse(bad), method=method, close=True)
            _drain(connection)
            return False
        close = not head.keeps_alive or self._stopped
        self._send(connection, self._answer_surely(head, body, source), method=method, close=close)
        return not close

    def _answer_surely(self, head: http1.Head, body: bytes, source: Any) -> Answer:
        """A response, also where our own code fails: a closed connection would tell neither the caller nor us why.

        An error that is not an `Exception` ends the connection: tests use this to simulate a killed function.
        """
        try:
            return self._answer(head, body, source)
        except Exception:
            log.exception("no response was made to %s %s", head.method, head.target.partition("?")[0])
            return 500, [("Content-Type", "application/json")], b'{"message": "Internal server error"}'

    def _send(self, connection: socket.socket, answer: Answer, *, method: str, close: bool) -> None:
        status, headers, body = answer
        dated = [("Date", formatdate(usegmt=True)), *headers]
        connection.sendall(http1.format_answer(status, dated, body, with_body=method != "HEAD", close=close))


def _drain(connection: socket.socket) -> None:
    """Read on for a moment before closing: closing on unread bytes resets the connection and loses the answer."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(1)
    with contextlib.suppress(OSError):
        for _ in range(1024):
            if not connection.recv(65_536):
                return
