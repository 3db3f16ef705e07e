"""A server that stands where API Gateway stands: it calls the Chalice app with REST proxy events and answers as the
gateway would, its oddities included, so that what works here works deployed."""

import json
import logging
import socket
import uuid
from typing import Any

from local.stack import http1
from local.stack.http_server import Answer, Serving
from local.stack.ports import bind
from local.stack.rest_event import Edge, MalformedAnswer, build_event, read_answer
from local.stack.routing import RouteMatcher
from local.stack.subscribers import Unwatched, Watch
from local.stack.threaded_app import LambdaContext, make_thread_safe

REMAPPED = "x-amzn-Remapped-WWW-Authenticate"

log = logging.getLogger("local.stack.gateway")


class Gateway(Serving):
    """A threaded HTTP/1.1 server before one Chalice app; listening once made, serving after `start`.

    listener             a bound socket instead of host and port
    stage_prefix         "/api" serves everything under it, as a bare stage URL does; "" as a custom domain does
    remap_authenticate   rename WWW-Authenticate in answers, as REST APIs do under any name; False: as behind a front
                         door that names it back
    watch                who listens to requests and answers
    """

    def __init__(
        self,
        app: Any,
        port: int = 0,
        host: str = "127.0.0.1",
        stage_prefix: str = "",
        *,
        listener: socket.socket | None = None,
        remap_authenticate: bool = True,
        watch: Watch | None = None,
    ) -> None:
        make_thread_safe(app)
        self._app = app
        self._matcher = RouteMatcher(app.routes)
        self._edge = Edge(prefix=stage_prefix.rstrip("/"), binary_types=tuple(app.api.binary_types))
        self._remap = remap_authenticate
        super().__init__(listener or bind(host, port), (watch or Unwatched()).answers(self.answer), _refuse)
        self.host = host

    @property
    def url(self) -> str:
        """The address that callers use, the stage's prefix included."""
        return f"http://{self.host}:{self.port}{self._edge.prefix}"

    def answer(self, head: http1.Head, body: bytes, source: Any) -> Answer:
        """What the gateway answers to one complete request."""
        path = _path_of(head.target)
        if self._edge.prefix:
            if not (path + "/").startswith(self._edge.prefix + "/"):
                return _gateway_answer(403, "Forbidden", "ForbiddenException")
            path = path[len(self._edge.prefix) :] or "/"
        match = self._matcher.match(path) if path.startswith("/") else None
        methods = self._app.routes[match.resource] if match else {}
        if match is None or head.method not in methods:
            preflight = _preflight(methods) if head.method == "OPTIONS" else None
            refused = _gateway_answer(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
            return preflight or refused
        event = build_event(head, body, match, path, source=source[:2], edge=self._edge)
        return self._invoke(event)

    def _invoke(self, event: dict[str, Any]) -> Answer:
        request_id = event["requestContext"]["requestId"]
        try:
            status, headers, body = read_answer(self._app(event, LambdaContext()))
        except MalformedAnswer as fault:
            log.error("request %s: the app's answer is malformed: %s", request_id, fault)
            return _gateway_answer(502, "Internal server error", "InternalServerErrorException")
        except Exception:
            log.exception("request %s: the app raised", request_id)
            return _gateway_answer(502, "Internal server error", "InternalServerErrorException")
        if self._remap:
            headers = [(REMAPPED if name.lower() == "www-authenticate" else name, value) for name, value in headers]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        return status, [*headers, ("x-amzn-RequestId", request_id)], body


def _path_of(target: str) -> str:
    """The path of a request target in origin form or, as to a proxy, absolute form (RFC 9112 section 3.2)."""
    if target.lower().startswith(("http://", "https://")):
        _, _, rest = target.partition("://")
        target = "/" + rest.partition("/")[2]
    return target.partition("?")[0]


def _refuse(bad: http1.BadMessage) -> Answer:
    return _gateway_answer(bad.status, bad.message)


def _gateway_answer(status: int, message: str, kind: str = "") -> Answer:
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    if kind:
        headers.append(("x-amzn-ErrorType", kind))
    return status, headers, json.dumps({"message": message}).encode()


def _preflight(methods: dict[str, Any]) -> Answer | None:
    """The answer of the mock integration that Chalice makes for a route with `cors=`; None where no route has it."""
    cors = next((entry.cors for entry in methods.values() if entry.cors), None)
    if cors is None:
        return None
    allowed = ",".join([*methods, "OPTIONS"])
    headers = [*cors.get_access_control_headers().items(), ("Access-Control-Allow-Methods", allowed)]
    return 200, [(name, str(value)) for name, value in headers], b""
