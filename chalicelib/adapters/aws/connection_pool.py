"""A small HTTP/1.1 client for one AWS endpoint, with persistent connections."""

import http.client
import select
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from chalicelib.adapters.http.guarded_fetcher import tls_context

# Servers and networks close idle connections, sometimes without notice.
IDLE_SECONDS = 50.0


class Unanswered(Exception):
    """No complete response arrived; the request may or may not have taken effect."""


class Received(NamedTuple):
    """One response. `checksum` is AWS's CRC32 of the body, if AWS sent one."""

    status: int
    body: bytes
    checksum: str | None


class ConnectionPool:
    """Safe to share between threads: each request uses a connection alone and returns it afterwards.

    url               scheme, host, optional port and path; certificates are verified
    connect_seconds   timeout for connecting
    read_seconds      timeout for each read
    most              idle connections that are retained
    """

    def __init__(self, url: str, *, connect_seconds: float, read_seconds: float, most: int) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path or "/"
        self._tls: ssl.SSLContext | None = tls_context(None) if parts.scheme == "https" else None
        self._connect_seconds, self._read_seconds, self._most = connect_seconds, read_seconds, most
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        # Closes the idle connections when the pool is garbage-collected.
        weakref.finalize(self, _close_all, self._idle).atexit = False

    def post(self, body: bytes, headers: Mapping[str, str]) -> Received:
        """Send one request once. Raises Unanswered."""
        try:
            connection = self._take() or self._open()
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(type(error).__name__) from None
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            received = Received(response.status, response.read(), response.getheader("x-amz-crc32"))
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unanswered(type(error).__name__) from None
        if not response.will_close:
            self._give_back(connection)
        return received

    def _take(self) -> http.client.HTTPConnection | None:
        """The most recently used connection that is still usable. The others idle until they are too old."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not _has_ended(connection):
                return connection
            connection.close()

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < self._most:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()

    def _open(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._connect_seconds)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._connect_seconds, context=self._tls
            )
        connection.connect()
        connection.sock.settimeout(self._read_seconds)
        return connection


def _close_all(idle: list[tuple[float, http.client.HTTPConnection]]) -> None:
    for _, connection in idle:
        connection.close()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """True if the server closed the idle connection, or unexpected data is waiting on it."""
    if connection.sock is None:
        return True
    if isinstance(connection.sock, ssl.SSLSocket) and connection.sock.pending():
        return True  # data that is already decrypted: the socket itself shows nothing
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))
