"""A socket with one deadline and one byte limit for the whole exchange, with the interface that http.client needs.

An ordinary socket timeout restarts with every byte, so a peer that sends one byte a second could block forever.
"""

import io
import socket
import time


class WireTimeout(Exception):  # not an OSError, so that no handler mistakes it for a broken connection
    """The deadline has passed. `sent` says whether any byte of the request was written."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


class WireTooLong(Exception):
    """The peer sent more bytes than allowed."""


class Deadline:
    """A time on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, *, sent: bool = False) -> float:
        """Seconds until the deadline. Raises WireTimeout if it has passed."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise WireTimeout(sent=sent)
        return seconds


class DeadlineSocket:
    """A connected socket, plain or TLS."""

    def __init__(self, raw: socket.socket, deadline: Deadline, *, limit: int) -> None:
        self._raw = raw
        self._deadline = deadline
        self._limit = limit
        self.sent = False

    def sendall(self, data: bytes) -> None:
        """Write everything before the deadline. From the first byte on, the request counts as sent."""
        view = memoryview(data)
        while view:
            self._raw.settimeout(self._deadline.left(sent=self.sent))
            self.sent = True
            try:
                written = self._raw.send(view)
            except TimeoutError:
                raise WireTimeout(sent=True) from None
            view = view[written:]

    def receive_into(self, buffer: memoryview) -> int:
        """Read what is available, before the deadline and within the limit."""
        self._raw.settimeout(self._deadline.left(sent=self.sent))
        try:
            count = self._raw.recv_into(buffer)
        except TimeoutError:
            raise WireTimeout(sent=self.sent) from None
        self._limit -= count
        if self._limit < 0:
            raise WireTooLong
        return count

    def makefile(self, mode: str) -> io.BufferedReader:
        """The reading side, as http.client requires it."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Does nothing: http.client closes before the body is read. The code that opened the socket closes it."""


class _Reader(io.RawIOBase):
    def __init__(self, wire: DeadlineSocket) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._wire.receive_into(buffer)
