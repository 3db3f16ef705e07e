"""The one layer between Chalice and the endpoints: reads the request, calls the endpoint, and builds the response.

In every case the client gets a registered error or a page; never a stack trace, an input or a stored value (GEN-07,
GEN-13, GEN-17).
"""

import re
import traceback
import uuid
from collections.abc import Callable
from typing import Any, Literal

from chalice.app import Response as GatewayResponse
from msgspec import Struct

from chalicelib.adapters.process.log import JsonLog
from chalicelib.adapters.process.system import SystemClock
from chalicelib.config import ConfigurationError
from chalicelib.endpoints.authorization.response import log_refusal
from chalicelib.endpoints.browser.cookies import OURS, full_name
from chalicelib.endpoints.browser.error_page import error_page
from chalicelib.pages.page import Page
from chalicelib.ports import Broker, StoreUnavailable
from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import (
    OAuthError,
    PageError,
    ServerError,
    TemporarilyUnavailable,
    UseDpopNonce,
)
from chalicelib.protocol.log_redaction import redact_client
from chalicelib.protocol.metadata import resource_metadata_url
from chalicelib.protocol.request import Request
from chalicelib.protocol.supported import supported
from chalicelib.responses import Response, error_response
from chalicelib.routes.cors import ANY, preflight, reader_headers
from chalicelib.routes.host_header import check_host
from chalicelib.routes.rendering import show
from chalicelib.routes.request_parsing import Reads, name_endpoint, read_request, read_trace
from chalicelib.routes.route_limits import Counted, RouteLimit

Endpoint = Callable[[Broker, Request], Response]
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")


class Route(Struct, frozen=True, kw_only=True):
    """How one path is served.

    reads     the kind of body
    is_page   a person sees the response: refusals are pages
    cors      methods that any origin may call, without credentials; empty: none (GEN-19)
    reader    if set, returns the one origin that may call them, with credentials; None for no origin
    sends     more headers that a page may send there
    exposes   more headers of the response that a page may read
    marks     a header for every response that does not set it
    proofs    "request": the request may have a proof of possession; "token": with the access token of the request
    counted   the limit for which each request counts
    any_host  accepts every Host (health checks)
    """

    endpoint: Endpoint
    counted: Counted
    reads: Reads = "nothing"
    is_page: bool = False
    cors: tuple[str, ...] = ()
    reader: Callable[[Broker, Any], str | None] | None = None
    sends: tuple[str, ...] = ()
    exposes: tuple[str, ...] = ()
    marks: tuple[str, str] | None = None
    proofs: Literal["none", "request", "token"] = "none"
    any_host: bool = False


class Edge:
    """Calls endpoints with the broker of this process."""

    def __init__(self, broker_source: Callable[[], Broker]) -> None:
        self._broker_source = broker_source

    def serve(self, current_request: Any, route: Route) -> GatewayResponse:
        """Handle one request; every outcome is a response."""
        event = current_request.to_original_event()
        request_id = (event.get("requestContext") or {}).get("requestId") or uuid.uuid4().hex
        asks = current_request.method == "OPTIONS" and route.cors
        if asks and route.reader is None:
            return _respond(_preflight(route, ANY))
        try:
            broker = self._broker_source()
        except ConfigurationError as error:
            JsonLog(SystemClock()).event("not_configured", faults=error.faults)
            return _respond(
                error_response(TemporarilyUnavailable("not_configured", retry_after=60), request_id=request_id)
            )
        broker.deadline.begin()
        broker.log.begin(request_id=request_id)
        limit = RouteLimit(broker, event, route.counted)
        if asks:
            reply = _preflight(route, _find_reader(limit, event, route))
        else:
            reply = self._answer(limit, event, current_request.raw_body, route, request_id)
            reply = _dress(limit, event, route, reply)
        invoked = getattr(current_request.lambda_context, "aws_request_id", None)
        told = {"route": name_endpoint(event), "lambda_request_id": invoked, "trace": read_trace(event)}
        broker.log.conclude("request", status=reply.status, **told)
        return _respond(reply)

    def _answer(self, limit: RouteLimit, event: Any, body: bytes, route: Route, request_id: str) -> Response:
        broker = limit.broker
        http: Request | None = None
        try:
            prefix = full_name(broker, OURS)
            http = read_request(event, body, route.reads, request_id=request_id, cookie_prefix=prefix)
            if not route.any_host:
                check_host(broker, http)
            limit.spend(http)
            reply = route.endpoint(broker, http)
            if route.is_page or isinstance(reply.body, Page):
                reply = show(broker, http, reply)
            _check_headers(reply)
            return _with_nonce(broker, route, http, reply)
        except OAuthError as error:
            error.noting(endpoint=name_endpoint(event), client_id=_claimed_client(http))
            reply = _refuse(broker, error, route, request_id, http)
            return _with_nonce(broker, route, http, reply, wanted=isinstance(error, UseDpopNonce))
        except StoreUnavailable as error:
            broker.log.event("store_unavailable", reason=str(error), error_id=request_id)
            away = TemporarilyUnavailable("store_unavailable", retry_after=2)
            return _refuse(broker, away.noting(endpoint=name_endpoint(event), what=str(error)), route, request_id, http)
        except Exception as error:  # noqa: BLE001 - the outermost frame: the client gets an error id, the log the line
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            broker.log.event("unhandled", kind=type(error).__name__, where=where, error_id=request_id)
            fault = ServerError("unhandled").noting(endpoint=name_endpoint(event), where=where)
            return _refuse(broker, fault, route, request_id, http)


def _dress(limit: RouteLimit, event: Any, route: Route, reply: Response) -> Response:
    """Add the headers that depend on the route, not on the result."""
    if route.cors:
        reply = reply.with_headers(*reader_headers(_find_reader(limit, event, route), route.exposes))
    if route.marks and not any(name == route.marks[0] for name, _ in reply.headers):
        reply = reply.with_headers(route.marks)
    return reply.with_headers(*_transport_headers(limit.broker))


def _refuse(broker: Broker, error: OAuthError, route: Route, request_id: str, http: Request | None = None) -> Response:
    log_refusal(broker, error, error_id=request_id)
    algorithms = supported(broker.settings).proof_algorithms
    if not route.is_page:
        described = resource_metadata_url(broker.settings) if route.proofs == "token" else ""
        return error_response(
            error,
            request_id=request_id,
            schemes=_schemes(broker, route, http),
            algorithms=algorithms,
            resource_metadata=described,
        )
    if not isinstance(error, PageError):
        later = error.status >= 500 or error.status == 429
        page = "try_later" if later else "request_broken"
        refusal = PageError(error.reason, page=page, status=error.status, retry_after=error.retry_after)
        refusal.because_of(error)
    else:
        refusal = error
    waiting = () if refusal.retry_after is None else (("Retry-After", str(refusal.retry_after)),)
    return show(broker, http, error_page(broker, refusal, request_id=request_id)).with_headers(*waiting)


def _claimed_client(http: Request | None) -> str | None:
    """The client that the request names, unverified."""
    named = [value for name, value in (*http.query, *http.form) if name == "client_id" and value] if http else []
    return redact_client(named[0]) if len(named) == 1 else None


def _schemes(broker: Broker, route: Route, http: Request | None) -> tuple[str, ...]:
    """The schemes accepted for an access token, the one of the request first."""
    if route.proofs != "token":
        return ("Bearer",)
    if broker.settings.is_fapi2:
        return ("DPoP",)
    tried = (http.header("authorization") or "").partition(" ")[0] if http else ""
    return ("DPoP", "Bearer") if lower(tried) == "dpop" else ("Bearer", "DPoP")


def _with_nonce(
    broker: Broker, route: Route, http: Request | None, reply: Response, *, wanted: bool = False
) -> Response:
    """Tell a client that sends proofs the nonce of the next one (RFC 9449 section 8.2); a failure here loses no
    response."""
    sent = route.proofs != "none" and http is not None and http.header("dpop") is not None
    if not sent or not (wanted or broker.settings.dpop_nonce == "required"):
        return reply
    from chalicelib.endpoints.callers.dpop_proof import fresh_nonce

    try:
        return reply.with_headers(("DPoP-Nonce", fresh_nonce(broker)))
    except StoreUnavailable:
        return reply


def _preflight(route: Route, origin: str | None) -> Response:
    sends = ("Content-Type",) if route.reader else ("Authorization", "Content-Type", "DPoP")
    return preflight(origin, methods=route.cors, sends=(*sends, *route.sends))


def _find_reader(limit: RouteLimit, event: Any, route: Route) -> str | None:
    """The origin that may read the response. None if only the table could tell and the request exceeds its limit."""
    if route.reader is None:
        return ANY
    return route.reader(limit.broker, event) if limit.allows_read() else None


def _transport_headers(broker: Broker) -> tuple[tuple[str, str], ...]:
    sniffing = ("X-Content-Type-Options", "nosniff")
    if broker.settings.is_loopback:
        return (sniffing,)
    return (sniffing, ("Strict-Transport-Security", "max-age=63072000"))


def _check_headers(reply: Response) -> None:
    """Check every header value, because Chalice checks only some. An invalid one is a fault of the broker."""
    if not all(_HEADER_VALUE.fullmatch(value) for _, value in reply.headers):
        raise ValueError("header value with control or non-ASCII characters")


def _respond(reply: Response) -> GatewayResponse:
    headers: dict[str, Any] = {}
    for name, value in reply.headers:
        before = headers.get(name)
        headers[name] = value if before is None or before == value else [*_as_list(before), value]
    return GatewayResponse(body=reply.body, status_code=reply.status, headers=headers)


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
