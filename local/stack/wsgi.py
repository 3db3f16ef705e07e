"""A WSGI app called with one request that has been read (PEP 3333)."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from local.stack.http1 import Head
from local.stack.http_server import Answer


def call_wsgi(app: Callable[..., Iterable[bytes]], head: Head, body: bytes, *, port: int) -> Answer:
    """Status, headers and the whole body; the length and how the connection goes on are left to the server."""
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exception: Any = None) -> Callable[..., object]:
        said[:] = [int(status.partition(" ")[0]), headers]
        return parts.append

    parts: list[bytes] = []
    answer = app(_environ(head, body, port), start_response)
    try:
        parts.extend(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    status, headers = said
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "date", "connection")]
    return status, kept, b"".join(parts)


def _environ(head: Head, body: bytes, port: int) -> dict[str, Any]:
    path, _, query = head.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": head.target,
        "REQUEST_URI": head.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/1.{head.minor_version}",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ | {"CONTENT_LENGTH": str(len(body))}
