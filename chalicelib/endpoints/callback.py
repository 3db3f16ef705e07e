"""GET /callback/{provider_id}: a provider's answer comes back through the browser (CB-01 to CB-12).

Claim, then ask the provider, then one batch read, then connection, consent, grant. Each write is conditional, so of any
number of callbacks with one state exactly one goes on; it never completes without the cookie of the one who decided.
"""

import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from chalicelib.asking import Brought, ProviderFailure, Registered, find_registered, redeem_at_provider
from chalicelib.endpoints.answers import code_location, error_location, page_reply, site, way_back
from chalicelib.endpoints.completing import build_grant, claim_of, record_consent
from chalicelib.endpoints.connecting import Owner, end_replaced, find_or_make_user, give_back, store_connection
from chalicelib.endpoints.cookies import open_client_reference, open_request, read_pending, seal_session
from chalicelib.endpoints.parties import load_parties
from chalicelib.endpoints.shortfall import find_shortfall, show_shortfall
from chalicelib.issuing import issue_code
from chalicelib.pages.render import render_waiting
from chalicelib.ports import Broker, Found, Refused
from chalicelib.protocol.derive import derive_account_id, derive_connection_id, derive_sub
from chalicelib.protocol.errors import (
    AccessDenied,
    InvalidRequest,
    LoginRequired,
    PageError,
    ServerError,
    TemporarilyUnavailable,
)
from chalicelib.protocol.grants import find_end
from chalicelib.protocol.handles import secret_hash
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import SealBroken
from chalicelib.protocol.single import Parameters
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.keyset import Purpose
from chalicelib.records.places import (
    DEPLOYMENT,
    Place,
    client_place,
    connection_place,
    consent_place,
    provider_place,
    stored_request_place,
    subject_place,
    user_key_place,
)
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, Pending
from chalicelib.records.subject import Subject
from chalicelib.replies import Reply, redirect_reply
from chalicelib.upstream.callback import (
    callback_uri,
    check_callback_code,
    check_callback_issuer,
    check_callback_provider,
    read_callback_error,
)
from chalicelib.upstream.http import ProviderMisbehaved, ProviderUnavailable

CLOCK_SKEW = 60
NEEDED_LATER: tuple[Purpose, ...] = ("identity", "vault", "handle")


class Arrival(Struct, frozen=True, kw_only=True):
    """Who has come back, by names derived from the provider's word; nothing is looked up for them."""

    sub: str
    account_id: str
    connection_id: str


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    try:
        parameters = Parameters.parse(http.query)
    except InvalidRequest as error:
        raise PageError(error.reason) from None
    pending = _find_pending(broker, http, parameters.get("state"))
    provider = _find_provider(broker, pending)
    _check_answer(broker, http, parameters, pending, provider)
    refusal = parameters.get("error")
    if refusal is not None:
        return _answer_refused(broker, pending, refusal)
    code = _check_code(parameters)
    for purpose in NEEDED_LATER:  # a key that cannot be opened must cost nobody the sign-in: nothing is claimed yet
        broker.keys.get(purpose)
    claim = broker.store.claim_grant(
        claim_of(broker, pending.grant_id, _client_id(broker, pending), pending.decided_at)
    )
    if isinstance(claim, Refused):
        return _answer_again(broker, http, pending, claim.found)
    brought = _ask(broker, provider, pending, code)
    return _finish(broker, http, pending, provider, brought)


def _find_pending(broker: Broker, http: Request, state: str | None) -> Pending:
    """The decision of this very browser; without it nothing goes on, and the way back is explained."""
    if state is None or len(state) > 1024:
        raise PageError("state_missing", page="request_broken")
    pending = read_pending(broker, http, state)
    if pending is None:
        client_id = open_client_reference(broker, state.partition(".")[2])
        link = None
        if client_id is not None:
            link = way_back(load_parties(broker, client_id).client)
        raise PageError("pending_cookie_missing", page="cookie_missing", status=403, link=link)
    return pending


def _find_provider(broker: Broker, pending: Pending) -> Registered:
    place = provider_place(pending.provider_id)
    record = broker.registry.lookup(place).get(place)
    if record is None or record.marks.void(pending.decided_at):
        raise PageError("provider_switched_off", page="provider_unavailable")
    try:
        return find_registered(broker, record)
    except ProviderFailure as error:
        broker.log.event("provider_unavailable", provider_id=pending.provider_id, reason=error.reason)
        raise PageError("provider_unavailable", page="provider_unavailable", status=503) from None


def _check_answer(
    broker: Broker, http: Request, parameters: Parameters, pending: Pending, provider: Registered
) -> None:
    """Provider and issuer before code or error are looked at; on a mismatch the code goes nowhere (CB-04, CB-05)."""
    try:
        check_callback_provider(http.path.get("provider_id", ""), expected=pending.provider_id)
        check_callback_issuer(provider.endpoints, parameters.get("iss"))
    except ProviderMisbehaved as error:
        broker.log.event("callback_refused", provider_id=pending.provider_id, reason=error.reason)
        raise PageError(error.reason, page="provider_refused") from None


def _check_code(parameters: Parameters) -> str:
    try:
        return check_callback_code(parameters.get("code"))
    except ProviderMisbehaved as error:
        raise PageError(error.reason, page="provider_refused") from None


def _load_request(pending: Pending, found: Found, broker: Broker) -> tuple[AuthorizationRequest, frozenset[str]]:
    """The request of this decision: from the cookie, or from the table where it was too large for one."""
    if pending.request is not None:
        return pending.request, pending.allowed
    stored = found.get(stored_request_place(pending.stored))
    if stored is None or stored.expires_at <= broker.clock.now():
        raise PageError("stored_request_over", page="sign_in_over")
    try:
        opened = open_request(broker, stored.sealed, pending.stored)
        return msgspec.msgpack.decode(opened, type=tuple[AuthorizationRequest, frozenset[str]])
    except (SealBroken, msgspec.DecodeError):
        raise PageError("stored_request_broken", page="sign_in_over") from None


def _read_request(broker: Broker, pending: Pending) -> AuthorizationRequest:
    """The request of this decision, where nothing else is to be read."""
    if pending.request is not None:
        return pending.request
    found = broker.store.read(stored_request_place(pending.stored))
    return _load_request(pending, found, broker)[0]


def _client_id(broker: Broker, pending: Pending) -> str:
    """From the cookie, else from the sealed reference in the state that the cookie vouches for."""
    if pending.request is not None:
        return pending.request.client_id
    client_id = open_client_reference(broker, pending.state.partition(".")[2])
    if client_id is None:
        raise PageError("client_reference_broken")
    return client_id


def _answer_refused(broker: Broker, pending: Pending, error: str) -> Reply:
    """The provider said no: a fixed word for the app, nothing of the provider's text (CB-10)."""
    request = _read_request(broker, pending)
    word = read_callback_error(error)
    refusal = AccessDenied("denied_at_provider") if word == "access_denied" else ServerError("provider_error")
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    return redirect_reply(error_location(broker, request.redirect_uri, request.state, refusal))


def _answer_again(broker: Broker, http: Request, pending: Pending, found: Grant | None) -> Reply:
    """A second callback with one state changes nothing (CB-01)."""
    now = broker.clock.now()
    if found is not None and found.expires_at > now and found.decided_at == pending.decided_at:
        if found.status == "exchanging":
            return page_reply(render_waiting(_same_place(broker, http), site=site(broker)))
        ours = hmac.compare_digest(found.secret_hash, secret_hash(pending.code_secret))
        if found.status == "issued" and ours:
            request = _read_request(broker, pending)
            return redirect_reply(code_location(broker, request, issue_code(broker, found, pending.code_secret)))
    broker.log.event("state_already_used", provider_id=pending.provider_id)
    raise PageError("state_already_used", page="sign_in_over")


def _same_place(broker: Broker, http: Request) -> str:
    """This very callback once more, for the page that waits."""
    return callback_uri(broker.settings.issuer, http.path.get("provider_id", "")) + "?" + urlencode(http.query)


def _ask(broker: Broker, provider: Registered, pending: Pending, code: str) -> Brought:
    """Where the provider fails, the page leads back to the app with the registered error in the link.

    The claim ends with it: nobody would ever finish it, so a page that waits for it would wait in vain.
    """
    try:
        return redeem_at_provider(broker, provider, pending, code)
    except ProviderFailure as error:
        broker.log.event("provider_answer_refused", provider_id=pending.provider_id, reason=error.reason)
        broker.store.revoke_grant(pending.grant_id, client_id=_client_id(broker, pending))
        away = isinstance(error, ProviderUnavailable)
        refusal = TemporarilyUnavailable(error.reason) if away else ServerError(error.reason)
        request = _read_request(broker, pending)
        link = error_location(broker, request.redirect_uri, request.state, refusal)
        page = "provider_unavailable" if away else "provider_refused"
        raise PageError(error.reason, page=page, status=502, link=link) from None


def _finish(broker: Broker, http: Request, pending: Pending, provider: Registered, brought: Brought) -> Reply:
    """From the provider's word to our code."""
    client_id = _client_id(broker, pending)
    arrival = _derive_names(broker, provider, brought, client_id)
    found = _read_all(broker, pending, arrival, client_id)
    try:
        request, allowed = _load_request(pending, found, broker)
        client = _check_marks(broker, pending, request, arrival, found)
    except PageError:
        _end(broker, provider, brought, pending, client_id)
        raise
    if _is_too_old(request, brought, broker.clock.now()):
        _end(broker, provider, brought, pending, client_id)
        refusal = LoginRequired("auth_time_older_than_max_age")
        return redirect_reply(error_location(broker, request.redirect_uri, request.state, refusal))
    consent = found.get(consent_place(arrival.sub, client_id))
    user_key, subject = find_or_make_user(
        broker,
        arrival.sub,
        known_key=found.get(user_key_place(arrival.sub)),
        known_subject=found.get(subject_place(arrival.sub)),
    )
    owner = Owner(sub=arrival.sub, client_id=client_id, connection_id=arrival.connection_id, user_key=user_key)
    shortfall = find_shortfall(provider.definition, client, allowed=allowed, granted=brought.tokens.granted)

    def is_void(at: int) -> bool:
        return _find_end(broker, at, client_id, arrival.sub, pending, found) is not None

    connection = store_connection(
        broker,
        owner,
        provider,
        brought,
        read=found.get(connection_place(arrival.connection_id)),
        consent=consent,
        status="partial" if shortfall.missing else "active",
        connected_at=pending.decided_at,
        is_void=is_void,
    )
    session = _start_session(broker, provider, brought, arrival, subject)
    if shortfall.missing:
        broker.store.revoke_grant(pending.grant_id, client_id=client_id)
        end_replaced(broker, owner, provider, connection)
        return show_shortfall(broker, http, client, request, provider.definition, shortfall, owner).with_headers(
            session
        )
    code = _issue(broker, pending, request, client, arrival, brought, shortfall.left, consent, is_void)
    _keep_client_alive(broker, client)
    end_replaced(broker, owner, provider, connection)
    return redirect_reply(code_location(broker, request, code)).with_headers(session)


def _end(broker: Broker, provider: Registered, brought: Brought, pending: Pending, client_id: str) -> None:
    """Nothing comes of this sign-in: what the provider gave is given back, and nobody waits for the claim."""
    give_back(broker, provider, brought.tokens)
    broker.store.revoke_grant(pending.grant_id, client_id=client_id)


def _is_too_old(request: AuthorizationRequest, brought: Brought, now: int) -> bool:
    """The user may have taken `max_age` out of the provider's URL; where the provider says when the login was, that
    counts (OpenID Connect Core section 3.1.2.1)."""
    if request.max_age is None or brought.auth_time is None:
        return False
    return now - brought.auth_time > request.max_age + CLOCK_SKEW


def _keep_client_alive(broker: Broker, client: Client) -> None:
    """A self-registered client ends when nobody signs in with it (REG-01); one write in half of that time at most."""
    life = broker.settings.registration_unused_days * 86400
    now = broker.clock.now()
    if client.expires_at is not None and client.expires_at - now < life // 2:
        broker.store.extend_client(client, expires_at=now + life)


def _derive_names(broker: Broker, provider: Registered, brought: Brought, client_id: str) -> Arrival:
    identity, key = brought.identity, broker.keys.get("identity").current.secret
    named = {"provider_id": provider.record.provider_id, "issuer": identity.issuer, "subject": identity.subject}
    sub, account_id = derive_sub(key, **named), derive_account_id(key, **named)
    connection_id = derive_connection_id(key, sub=sub, client_id=client_id, account_id=account_id)
    return Arrival(sub=sub, account_id=account_id, connection_id=connection_id)


def _read_all(broker: Broker, pending: Pending, arrival: Arrival, client_id: str) -> Found:
    """Everything that the rest decides on, in one strongly consistent batch."""
    places: list[Place[Any]] = [
        DEPLOYMENT,
        client_place(client_id),
        provider_place(pending.provider_id),
        subject_place(arrival.sub),
        consent_place(arrival.sub, client_id),
        connection_place(arrival.connection_id),
        user_key_place(arrival.sub),
    ]
    if pending.stored:
        places.append(stored_request_place(pending.stored))
    return broker.store.read(*places)


def _check_marks(
    broker: Broker, pending: Pending, request: AuthorizationRequest, arrival: Arrival, found: Found
) -> Client:
    """What was decided must still count, and who came back must be who decided.

    Raises PageError; nothing is stored then.
    """
    if pending.decided_by.startswith("session:") and pending.decided_by != f"session:{arrival.sub}":
        raise PageError("another_account_came_back", page="wrong_account", status=403)
    client = found.get(client_place(request.client_id))
    end = _find_end(broker, pending.decided_at, request.client_id, arrival.sub, pending, found)
    if end is not None or client is None or client.revision != request.client_revision:
        raise PageError(end or "client_changed", page="sign_in_over", status=403)
    return client


def _find_end(broker: Broker, decided_at: int, client_id: str, sub: str, pending: Pending, found: Found) -> str | None:
    """Which mark of this one read ends what was decided then."""
    return find_end(
        decided_at,
        deployment=found.get(DEPLOYMENT),
        client=found.get(client_place(client_id)),
        provider=found.get(provider_place(pending.provider_id)),
        subject=found.get(subject_place(sub)) or _nobody_yet(sub),
        consent=found.get(consent_place(sub, client_id)) or Consent(sub=sub, client_id=client_id),
        now=broker.clock.now(),
    )


def _nobody_yet(sub: str) -> Subject:
    """Who has never been here has no mark."""
    return Subject(sub=sub, session_salt=b"", created_at=0)


def _issue(
    broker: Broker,
    pending: Pending,
    request: AuthorizationRequest,
    client: Client,
    arrival: Arrival,
    brought: Brought,
    scopes: frozenset[str],
    consent: Consent | None,
    is_void: Callable[[int], bool],
) -> str:
    """Consent first, then the grant, then the code (a crash in between leaves no token without consent)."""
    grant = build_grant(
        broker,
        request,
        grant_id=pending.grant_id,
        code_secret=pending.code_secret,
        decided_at=pending.decided_at,
        sub=arrival.sub,
        provider_id=pending.provider_id,
        connection_id=arrival.connection_id,
        scopes=scopes,
        auth_time=brought.auth_time,
    )
    record_consent(broker, consent, grant, client, redirect_uri=request.redirect_uri, is_void=is_void)
    if isinstance(broker.store.issue_grant(grant), Refused):
        raise PageError("claim_lost", page="sign_in_over")
    return issue_code(broker, grant, pending.code_secret)


def _start_session(
    broker: Broker, provider: Registered, brought: Brought, arrival: Arrival, subject: Subject
) -> tuple[str, str]:
    now = broker.clock.now()
    session = BrowserSession(
        sub=arrival.sub,
        provider_id=provider.record.provider_id,
        account_id=arrival.account_id,
        signed_in_at=now,
        expires_at=now + broker.settings.session_seconds,
        sid=broker.entropy.token_bytes(16).hex(),
        epoch=broker.settings.epoch,
        auth_time=brought.auth_time,
    )
    return seal_session(broker, session, subject.session_salt)
