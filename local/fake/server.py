"""A server on loopback for one provider: plain http, and https for the provider's own names where it has an authority.

Both come in at one port: the first byte of a connection tells them apart.
"""

import socket
import ssl
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from local.fake.control import CONTROL, answer_control, is_control
from local.fake.faults import Faults
from local.fake.grants import Grants
from local.fake.simulation import Told, tell_nobody
from local.fake.web import FORM, Answer, Received, json_answer
from local.stack.loopback_server import LoopbackHandler, LoopbackServer

_HUGE = b'{"padding": "' + b"x" * (4 << 20) + b'"}'
_TLS_HANDSHAKE = b"\x16"
MAX_BODY = 1 << 20


def tell_nothing() -> None:
    """Nothing is stored."""


class Site(Protocol):
    """One provider, as the server sees it."""

    grants: Grants
    requests: list[Received]

    def place(self, host: str, path: str, method: str, *, door: str) -> tuple[str, str, str]:
        """Host, path and role of what was asked for."""

    def respond(self, received: Received) -> Answer:
        """Carry it out."""


class Server(LoopbackServer):
    """Listens once made; `tls` None: plain http alone. `watch` is called for each request, and then for its result.

    save   called before each response is sent
    """

    def __init__(self, address: tuple[str, int], site: Site, tls: ssl.SSLContext | None = None) -> None:
        self.site, self.tls = site, tls
        self.watch: Callable[[Received], Told] = tell_nobody
        self.save: Callable[[], None] = tell_nothing
        super().__init__(address, _Handler)
        self.door = f"http://{address[0]}:{self.server_port}"


class _Handler(LoopbackHandler):
    """One connection. Every response goes through `_send`, which simulates the faults of the transport."""

    server: Server

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.door = self.server.door
        if self.server.tls and self.request.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.door = ""
        super().setup()

    def finish(self) -> None:
        super().finish()
        if self.server.tls:
            self.request.close()  # wrapped here; whoever accepted it closes what was inside

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = do_HEAD = do_GET

    def _answer(self) -> None:
        site, received = self.server.site, self._receive()
        faults = site.grants.faults
        if is_control(received):
            return self._send(answer_control(site.grants, site.requests, received, peer=self.client_address[0]))
        site.requests.append(received)
        told = self.server.watch(received)
        cut = faults.cut and faults.strike(received.endpoint)
        answer = self._carry_out(received, faults) if faults.strike(received.endpoint) else site.respond(received)
        told(answer)
        return self._send(answer, cut=cut)

    def _carry_out(self, received: Received, faults: Faults) -> Answer | None:
        """The response while the transport has a fault."""
        if faults.slow_seconds:
            time.sleep(faults.slow_seconds)
        if faults.status is not None:
            wait = {} if faults.retry_after is None else {"Retry-After": str(faults.retry_after)}
            answer: Answer | None = json_answer({"error": "server_error"}, faults.status, wait)
        else:
            answer = disturb(self.server.site.respond(received), faults)
        faults.count_down(received.endpoint)
        return answer

    def _receive(self) -> Received:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_form = headers.get("content-type", "").startswith(FORM)
        parts = urlsplit(self.path)
        asked = headers.get("host", "").partition(":")[0].lower()
        if parts.path == CONTROL:
            host, path, endpoint = asked, CONTROL, ""
        else:
            host, path, endpoint = self.server.site.place(asked, parts.path, self.command, door=self.door)
        return Received(
            method=self.command,
            path=path,
            endpoint=endpoint,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            form=dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {},
            headers=headers,
            host=host,
            door=self.door,
            body=body,
        )

    def _send(self, answer: Answer | None, *, cut: bool = False) -> None:
        self.server.save()
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.close_connection = self.close_connection or cut
        if self.command != "HEAD":
            try:
                self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
            except OSError:  # the caller has read enough
                self.close_connection = True


def disturb(answer: Answer, faults: Faults) -> Answer | None:
    """The response to send instead, after the request was carried out; None for no change."""
    if faults.lose_answer:
        return None
    if faults.status_after is not None:
        return json_answer({"error": "server_error"}, faults.status_after)
    if faults.redirect:
        return Answer(302, b"", "", {"Location": "https://elsewhere.example/"})
    body, content_type = answer.body, answer.content_type
    if faults.html:
        body, content_type = b"<!doctype html><h1>Maintenance</h1>", "text/html"
    if faults.huge:
        body, content_type = _HUGE, "application/json"
    if faults.broken_json:
        body, content_type = body[:-1] + b",", "application/json"
    return Answer(answer.status, body, content_type, answer.headers)
