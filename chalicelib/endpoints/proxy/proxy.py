"""ANY /proxy/{provider_id}/{path}: a call to the provider's API. The broker adds the token and never returns it.

Order: parse the call, check the caller and its permissions, write the audit record, call the provider. `Broker-Answer`
says whether a response is the provider's or the broker's.
"""

from chalicelib.access_token_check import PresentedToken
from chalicelib.bff_sessions import Session
from chalicelib.endpoints.callers.access_token import read_access_token
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    BadGateway,
    GatewayTimeout,
    InsufficientScope,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    NotConnected,
    SignInNeeded,
)
from chalicelib.protocol.parameters import check_no_secret_in_query
from chalicelib.protocol.request import Request
from chalicelib.responses import NO_STORE, Response
from chalicelib.upstream.http import HttpResponse, ProviderUnavailable
from chalicelib.upstream.proxy_path import decode_segment, parse_path
from chalicelib.upstream.proxy_request import (
    MAX_ANSWER_BYTES,
    BlockedResponse,
    Call,
    ForwardedResponse,
    Outgoing,
    build_proxied_request,
    encode_query,
    find_target,
    read_headers,
    read_proxied_response,
)
from chalicelib.vault.handout import HandoutRequest, audit_use, get_newer_token, get_token, open_token
from chalicelib.vault.refresh_journal import LeasedConnection
from chalicelib.vault.rules.handout_permission import check_call

# A provider's page on the broker's origin runs no script, loads nothing and is never shown (PRX-02).
HARMLESS = (
    *NO_STORE,
    ("Broker-Answer", "provider"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("Content-Disposition", "attachment"),
    ("Referrer-Policy", "no-referrer"),
)
LEAST_SECONDS, SPARE_SECONDS = 1.0, 0.5


def answer(broker: Broker, http: Request) -> Response:
    """Raises InvalidToken, InvalidRequest, InsufficientScope (403), NotConnected (404), SignInNeeded (409).

    Raises TooManyRequests, BadGateway, TemporarilyUnavailable, GatewayTimeout.
    """
    presented = read_access_token(broker, http, f"/proxy/{http.path['provider_id']}/{http.rest}")
    call = read_call(http)
    _check_own_token(call, presented.token)
    return proxy_call(broker, http, presented, call)


def proxy_call(broker: Broker, http: Request, presented: PresentedToken | Session, call: Call) -> Response:
    """Make the call with the token of this user's and app's connection, and return the response.

    Raises as `answer` does.
    """
    provider_id = http.path["provider_id"]
    wanted = HandoutRequest(
        presented=presented,
        client_id=None,
        audience=http.header("broker-connection") or provider_id,
        provider_id=provider_id,
        permit=lambda client, scopes: check_call(client, scopes, provider_id, call),
    )
    try:
        result = _carry_out(broker, wanted, call)
    except InvalidTarget as error:
        raise NotConnected(error.reason, members=error.members).because_of(error) from None
    except InvalidScope as error:
        raise InsufficientScope(error.reason, members=error.members).because_of(error) from None
    except InvalidGrant as error:
        raise SignInNeeded(error.reason, members=error.members).because_of(error) from None
    return build_response(result)


def read_call(http: Request) -> Call:
    """Parse the call. Raises InvalidRequest before anything is read or sent, if the call could reach another target."""
    check_no_secret_in_query(http.query)
    return Call(
        method=http.method,
        segments=parse_path(http.rest),
        query=encode_query(http.query),
        headers=read_headers(http.headers),
        body=http.body,
        host=http.header("broker-host"),
    )


def _check_own_token(call: Call, token: str) -> None:
    """Refuse a call that contains the caller's token, which is only for the broker (VLT-03). Raises InvalidRequest."""
    names = map(decode_segment, call.segments)
    if any(token in text for text in (*names, call.query, *call.headers.values())):
        raise InvalidRequest("proxy_own_token_in_call")
    if token.encode("latin-1", "replace") in call.body:
        raise InvalidRequest("proxy_own_token_in_call")


def _carry_out(broker: Broker, wanted: HandoutRequest, call: Call) -> ForwardedResponse | BlockedResponse:
    """Make the call. If the provider's API rejects the token, repeat an idempotent call once with the next token
    (PRX-05)."""
    held = get_token(broker, wanted)
    sent, response = _send(broker, held, call)
    if response.status == 401 and call.may_repeat:
        again = get_newer_token(broker, wanted, held)
        if again.connection.token_generation != held.connection.token_generation:
            sent, response = _send(broker, again, call)
    return read_proxied_response(response, sent)


def _send(broker: Broker, held: LeasedConnection, call: Call) -> tuple[Outgoing, HttpResponse]:
    """Send one request to the provider, after its audit record; it is never sent twice."""
    api, record = held.definition.api, held.record
    if api is None:
        raise NotConnected("provider_without_api", members={"reason": "no_api"})
    target = find_target(api, issuer=record.issuer or held.definition.issuer, host=call.host)
    token = open_token(broker, held)
    sent = build_proxied_request(call, target, api, client_id=record.client_id, token=token)
    seconds = seconds_for_call(broker)
    audit_use(broker, held, "proxy", token, method=f"{call.method} {target.host_class}")
    return sent, fetch_answer(broker, sent, seconds, provider_id=record.provider_id)


def seconds_for_call(broker: Broker) -> float:
    """The time for a call, in seconds. Raises GatewayTimeout if it is too short."""
    seconds = broker.deadline.left() - SPARE_SECONDS
    if seconds < LEAST_SECONDS:
        raise GatewayTimeout("too_little_time_left", members={"reason": "not_sent"})
    return seconds


def fetch_answer(broker: Broker, sent: Outgoing, seconds: float, **whose: str) -> HttpResponse:
    """Send one request, once; `whose` is for the log. Raises GatewayTimeout, BadGateway."""
    try:
        return broker.fetcher.fetch(sent.request, timeout_seconds=seconds, max_bytes=MAX_ANSWER_BYTES)
    except ProviderUnavailable as error:
        broker.log.event("proxy_failed", **whose, reason=error.reason, sent=error.sent)
        if error.reason == "timed_out":
            raise GatewayTimeout("provider_timed_out", members={"reason": "timed_out"}) from None
        raise BadGateway(f"provider_{error.reason}", members={"reason": _say(error)}) from None


def _say(error: ProviderUnavailable) -> str:
    """The reason for the app; never an address, a name or a port."""
    if error.reason == "too_large":
        return "answer_too_large"
    return "answer_broken" if error.sent else "not_reached"


def build_response(passed: ForwardedResponse | BlockedResponse) -> Response:
    """The response as the app may see it. Raises BadGateway if the app may see nothing of it."""
    if isinstance(passed, BlockedResponse):
        members: dict[str, object] = {"reason": passed.reason, **({"target": passed.target} if passed.target else {})}
        raise BadGateway(f"provider_answer_{passed.reason}", members=members)
    headers = tuple((name.title(), value) for name, value in passed.headers)
    if not any(name == "content-type" for name, _ in passed.headers):
        headers += (("Content-Type", "application/octet-stream"),)
    return Response(status=passed.status, headers=(*headers, *HARMLESS), body=passed.body)
