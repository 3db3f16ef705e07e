"""HTTP/1.1 on a socket: reads one request at a time within API Gateway's limits, writes an answer in one piece.

Rules: anything ambiguous about where a message ends is refused and the connection closed (RFC 9112 section 6.3); header
names keep their case and repeated ones their order, because the gateway's event shows both.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

MAX_HEADER_BYTES = 10_240
MAX_BODY_BYTES = 10 * 1024 * 1024
TOO_LARGE = "HTTP content length exceeded 10485760 bytes."

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


class BadMessage(Exception):
    """The bytes are no request that can be answered normally: answer this status and close."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Head:
    """Request line and headers. `target` as sent; `headers` in order with the case as sent."""

    method: str
    target: str
    minor_version: int
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Every value of a header; the name in lower case."""
        return [value for given, value in self.headers if given.lower() == name]

    @property
    def keeps_alive(self) -> bool:
        """May a further request follow on this connection?"""
        options = {option.strip().lower() for value in self.values("connection") for option in value.split(",")}
        return "close" not in options and (self.minor_version == 1 or "keep-alive" in options)


def read_head(stream: BinaryIO) -> Head | None:
    """The next request's head; None at a clean end. Raises BadMessage."""
    line = stream.readline(MAX_HEADER_BYTES + 1)
    if line in (b"\r\n", b"\n"):  # one empty line before a request is tolerated (RFC 9112 section 2.2)
        line = stream.readline(MAX_HEADER_BYTES + 1)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise BadMessage(414, "Request-URI Too Long")
    parts = _REQUEST_LINE.fullmatch(line.rstrip(b"\r\n"))
    if parts is None:
        raise BadMessage(400, "Bad Request")
    method, target, minor = parts.groups()
    headers = _read_headers(stream, MAX_HEADER_BYTES)
    head = Head(method=method.decode(), target=target.decode(), minor_version=int(minor), headers=headers)
    if len(head.values("host")) != 1 and (head.minor_version == 1 or head.values("host")):
        raise BadMessage(400, "Bad Request")
    return head


def _read_headers(stream: BinaryIO, budget: int) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    while True:
        line = stream.readline(budget + 1)
        budget -= len(line)
        if budget < 0:
            raise BadMessage(431, "Request Header Fields Too Large")
        if line in (b"\r\n", b"\n"):
            return tuple(headers)
        name, colon, value = line.rstrip(b"\r\n").partition(b":")
        value = value.strip(b" \t")
        if not line.endswith(b"\n") or not colon or not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise BadMessage(400, "Bad Request")
        headers.append((name.decode("ascii"), value.decode("latin-1")))


def read_body(stream: BinaryIO, head: Head) -> bytes:
    """The request's body, chunked or counted. Raises BadMessage where its end is ambiguous or over 10 MB."""
    codings = ",".join(head.values("transfer-encoding")).strip().lower()
    lengths = {length.strip() for value in head.values("content-length") for length in value.split(",")}
    if codings:
        if codings != "chunked" or lengths or head.minor_version == 0:
            raise BadMessage(400, "Bad Request")
        return _read_chunks(stream)
    if not lengths:
        return b""
    length = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]{1,18}", length):
        raise BadMessage(400, "Bad Request")
    if int(length) > MAX_BODY_BYTES:
        raise BadMessage(413, TOO_LARGE)
    return _read_exactly(stream, int(length))


def _read_chunks(stream: BinaryIO) -> bytes:
    body = bytearray()
    while True:
        size_line = stream.readline(1024)
        size = size_line.partition(b";")[0].strip()
        if not size_line.endswith(b"\n") or not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
            raise BadMessage(400, "Bad Request")
        length = int(size, 16)
        if len(body) + length > MAX_BODY_BYTES:
            raise BadMessage(413, TOO_LARGE)
        if length == 0:
            _read_headers(stream, MAX_HEADER_BYTES)  # trailers are read and dropped
            return bytes(body)
        body += _read_exactly(stream, length)
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise BadMessage(400, "Bad Request")


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length)
    if len(body) != length:
        raise BadMessage(400, "Bad Request")
    return body


def format_answer(status: int, headers: list[tuple[str, str]], body: bytes, *, with_body: bool, close: bool) -> bytes:
    """Head and body as one piece of bytes, so that they leave in one packet where they fit."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    if status >= 200 and status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    lines.append(f"Connection: {'close' if close else 'keep-alive'}")
    may_have_body = with_body and status not in (204, 304)
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body if may_have_body else b"")
