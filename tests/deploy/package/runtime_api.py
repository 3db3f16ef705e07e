"""A small Lambda Runtime API: hands events to the runtime client and takes its answers.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:token-broker"
DEADLINE_MS = "4102444800000"  # the year 2100


class FunctionFailed(Exception):
    """The function did not answer: what it reported, or that it stayed silent."""


@dataclass
class Invocation:
    """One event on its way; `answer` holds one value once the function has reported."""

    event: dict[str, Any]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: "queue.Queue[tuple[bool, bytes]]" = field(default_factory=queue.Queue)


class QuietServer(ThreadingHTTPServer):
    """A function that ends in the middle of its question is how every test ends; nothing is printed about it."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


class RuntimeApi:
    """Listens on loopback; one function at a time asks it for work, as in one execution environment."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Invocation | None] = queue.Queue()
        self.running: dict[str, Invocation] = {}
        self.ready = threading.Event()
        self.init_error: bytes | None = None
        self._server = QuietServer(("127.0.0.1", 0), type("Bound", (RuntimeApiHandler,), {"api": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def wait_until_ready(self, timeout_seconds: float = 60) -> None:
        """Return once the function has asked for its first event; raises FunctionFailed when it cannot start."""
        if not self.ready.wait(timeout_seconds):
            raise FunctionFailed("the function did not ask for its first event")
        if self.init_error is not None:
            raise FunctionFailed(f"the function did not start: {self.init_error.decode(errors='replace')}")

    def invoke(self, event: dict[str, Any], *, timeout_seconds: float = 60) -> dict[str, Any]:
        """Send one event and return the function's answer; raises FunctionFailed."""
        invocation = Invocation(event)
        self.waiting.put(invocation)
        try:
            succeeded, body = invocation.answer.get(timeout=timeout_seconds)
        except queue.Empty:
            raise FunctionFailed("the function did not answer in time") from None
        if not succeeded:
            raise FunctionFailed(body.decode(errors="replace"))
        answer: dict[str, Any] = json.loads(body)
        return answer

    def stop(self) -> None:
        """Stop listening; a function that still waits is told that there is nothing."""
        self.waiting.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class RuntimeApiHandler(BaseHTTPRequestHandler):
    """The four calls of the runtime client; each on a connection of its own or kept alive."""

    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """`/invocation/next`: blocks until there is an event."""
        self.api.ready.set()
        invocation = self.api.waiting.get()
        if invocation is None:
            self.close_connection = True
            return self.reply(410, b"{}")
        self.api.running[invocation.request_id] = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": DEADLINE_MS,
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        self.reply(200, json.dumps(invocation.event).encode(), headers)

    def do_POST(self) -> None:
        """`/invocation/<id>/response`, `/invocation/<id>/error` and `/init/error`."""
        body = self.read_body()
        parts = self.path.removeprefix(f"{PREFIX}/").split("/")
        if parts == ["init", "error"]:
            self.api.init_error = body
            self.api.ready.set()
        else:
            self.api.running.pop(parts[1]).answer.put((parts[2] == "response", body))
        self.reply(202, b'{"status":"OK"}')

    def read_body(self) -> bytes:
        """The runtime client sends what it streams in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """One JSON answer."""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
