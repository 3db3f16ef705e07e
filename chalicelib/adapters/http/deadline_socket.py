"""A socket with one deadline and one byte limit for the whole exchange, in the shape that http.client writes and reads.

Ordinary socket timeouts begin anew with every byte, so a peer that drips one byte a second would hold us for ever.
"""

import io
import socket
import time


class WireTimeout(Exception):  # not an OSError: nothing may take it for a broken connection
    """The deadline has passed; `sent` says whether bytes of the request had been written."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


class WireTooLong(Exception):
    """More bytes came than anybody asked for."""


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, *, sent: bool = False) -> float:
        """Seconds until then. Raises WireTimeout when there are none."""
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
        """Write everything before the deadline; from the first byte on the request counts as sent."""
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
        """Read what is there, before the deadline and within the limit."""
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
        """The reading side, as http.client asks for it."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Nothing: http.client closes before the body is read; the socket belongs to who opened it."""


class _Reader(io.RawIOBase):
    def __init__(self, wire: DeadlineSocket) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._wire.receive_into(buffer)
