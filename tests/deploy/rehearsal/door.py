"""A door before the AWS of this machine: a call that comes through is passed on as it is, signature and all."""

import http.client
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]
Sent = tuple[int, Headers, bytes]
JSON: Headers = (("Content-Type", "application/json"),)
# Of one connection, not of the call.
_HOP = ("connection", "content-length", "expect", "transfer-encoding")


class Door:
    """Stands at `url` before `endpoint_url`; who wants more than to pass on answers otherwise."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        methods = {f"do_{method}": _Handler.call for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")}
        handler = type("DoorHandler", (_Handler,), {"door": self, **methods})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the door."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: Headers, body: bytes) -> Sent:
        """Status, headers and body of one call's answer."""
        return self.pass_on(method, target, headers, body)

    def pass_on(self, method: str, target: str, headers: Headers, body: bytes) -> Sent:
        """What the AWS behind it answers."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in _HOP:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    door: Door

    def call(self) -> None:
        """One call."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, headers, content = self.door.answer(self.command, self.path, self.headers.items(), body)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
