"""From the provider's word to our code: connection, consent, grant, browser session."""

from collections.abc import Callable

import msgspec

from chalicelib.asking import Brought, Registered
from chalicelib.custody.unstored_tokens import UnstoredTokens
from chalicelib.endpoints.answers import deliver, grant_answer, refusal_of
from chalicelib.endpoints.arriving import Arrival, check_marks, find_arrival, find_end_of
from chalicelib.endpoints.completing import add_told, build_grant, end_replaced_session
from chalicelib.endpoints.connecting import Owner, end_replaced, find_or_make_user, store_connection
from chalicelib.endpoints.consenting import record_consent
from chalicelib.endpoints.cookies import (
    SessionOwner,
    ended_place,
    ended_places,
    open_session,
    read_session_owner,
    seal_session,
    set_provider,
)
from chalicelib.endpoints.decided import Decided, client_id_of, load_request
from chalicelib.endpoints.device_decision import approve_device, decision_of, show_end
from chalicelib.endpoints.login_age import explain_login_age
from chalicelib.endpoints.second_decision import needs_page, show_page
from chalicelib.endpoints.shortfall import Shortfall, find_shortfall, show_shortfall
from chalicelib.endpoints.sitting import is_meant
from chalicelib.endpoints.withdrawing import take_back
from chalicelib.issuing import subject_for
from chalicelib.ports import Broker, Found, Refused
from chalicelib.protocol.errors import LoginRequired, PageError, UnmetAuthenticationRequirements
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.places import connection_place, consent_place, subject_place, user_key_place
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, Pending, Told
from chalicelib.records.subject import Subject
from chalicelib.replies import Reply


def finish_sign_in(
    broker: Broker, http: Request, pending: Pending, brought: Brought, unstored: UnstoredTokens
) -> Reply:
    """From the provider's word to our code; whatever is raised, `unstored` gives back what no connection stores."""
    client_id, provider = client_id_of(broker, pending), brought.provider
    before = read_session_owner(broker, http)
    arrival, found = find_arrival(broker, pending, provider, brought, client_id, *ended_places(before))
    unstored.belong_to(arrival.sub, arrival.connection_id)
    try:
        decided = load_request(pending, found, broker)
        request = decided.request
        client = check_marks(broker, pending, request, arrival, found)
    except PageError:
        _end(broker, unstored, pending, client_id)
        raise
    refusal = _find_refusal(broker, pending, request, client, brought, arrival)
    if refusal is not None:
        _end(broker, unstored, pending, client_id)
        return deliver(broker, refusal_of(broker, http, request, refusal))
    consent = found.get(consent_place(arrival.sub, client_id))
    owner, subject = _find_owner(broker, arrival, client_id, found)

    def is_void(at: int) -> bool:
        return find_end_of(broker, at, client_id, arrival.sub, pending, found) is not None

    read = found.get(connection_place(arrival.connection_id))
    if needs_page(broker, pending, request, client, consent, read, is_void=is_void):
        _end(broker, unstored, pending, client_id)
        session, told = continue_session(
            broker, before, start_session(broker, provider, brought, arrival), subject, found
        )
        cookie = seal_session(broker, session, subject.session_salt, told)
        return show_page(broker, http, decided, session).with_headers(cookie)
    allowed = _admit(broker, pending, consent, decided.allowed)
    shortfall = find_shortfall(provider.definition, client, allowed=allowed, granted=brought.tokens.granted)
    connection = store_connection(
        broker,
        owner,
        provider,
        brought,
        unstored,
        read=read,
        consent=consent,
        status="partial" if shortfall.missing else "active",
        connected_at=pending.decided_at,
        is_void=is_void,
    )
    session, told = continue_session(broker, before, start_session(broker, provider, brought, arrival), subject, found)
    if shortfall.missing:
        page = _ask_about_shortfall(broker, http, pending, decided, client, provider, shortfall, owner)
        end_replaced(broker, owner, provider, connection)
        return page.with_headers(seal_session(broker, session, subject.session_salt, told))
    issued = _issue(
        broker,
        pending,
        request,
        client,
        arrival,
        brought,
        session.sid,
        shortfall.left,
        consent,
        is_void,
        session_salt=subject.session_salt,
        ended=lambda: take_back(broker, connection, owner.user_key),
    )
    _keep_client_alive(broker, client)
    end_replaced(broker, owner, provider, connection)
    if request.device_round:
        answer = show_end(broker, "device_done")
    else:
        told = add_told(told, client, subject_for(broker, client, arrival.sub))
        answer = deliver(broker, grant_answer(broker, request, issued, pending.code_secret))
    remembered = set_provider(broker, provider.definition.provider_id)
    return answer.with_headers(seal_session(broker, session, subject.session_salt, told), remembered)


def _ask_about_shortfall(
    broker: Broker,
    http: Request,
    pending: Pending,
    decided: Decided,
    client: Client,
    provider: Registered,
    shortfall: Shortfall,
    owner: Owner,
) -> Reply:
    """The provider gave less than was allowed: this grant ends, and the user decides what comes of it."""
    request, grant_id = _ask_again(broker, pending, decided.request)
    return show_shortfall(
        broker,
        http,
        client,
        request,
        provider.definition,
        shortfall,
        owner,
        grant_id=grant_id,
        was_pushed=decided.was_pushed,
        in_a_day=pending.in_a_day,
    )


def _ask_again(broker: Broker, pending: Pending, request: AuthorizationRequest) -> tuple[AuthorizationRequest, str]:
    """What the user decides about next, and under which grant id: a new one, since this one ends here; a device knows
    only its own, which is opened again, and whatever was shown or decided about it before is void."""
    if not request.device_round:
        broker.store.revoke_grant(pending.grant_id, client_id=request.client_id)
        return request, broker.entropy.token_bytes(16).hex()
    broker.store.reopen_device(decision_of(broker, pending, request.client_id))
    return msgspec.structs.replace(request, device_round=request.device_round + 1), pending.grant_id


def _find_owner(broker: Broker, arrival: Arrival, client_id: str, found: Found) -> tuple[Owner, Subject]:
    """Whose connection it is, with that user's key; somebody new is made here."""
    user_key, subject = find_or_make_user(
        broker,
        arrival,
        known_key=found.get(user_key_place(arrival.sub)),
        known_subject=found.get(subject_place(arrival.sub)),
    )
    owner = Owner(
        sub=arrival.sub,
        client_id=client_id,
        connection_id=arrival.connection_id,
        user_key=user_key,
        account_id=arrival.account_id,
    )
    return owner, subject


def _admit(broker: Broker, pending: Pending, consent: Consent | None, allowed: frozenset[str]) -> frozenset[str]:
    """What is left of a decision where the user has reduced permissions after it."""
    if consent is None:
        return allowed
    by_user, now = pending.decided_by == "page", broker.clock.now()
    return consent.admits(allowed, decided_at=pending.decided_at, by_user=by_user, now=now)


def _end(broker: Broker, unstored: UnstoredTokens, pending: Pending, client_id: str) -> None:
    """Nothing comes of this sign-in: what the provider gave is given back, and nobody waits for the claim."""
    unstored.give_back()
    broker.store.revoke_grant(pending.grant_id, client_id=client_id)


def _find_refusal(
    broker: Broker,
    pending: Pending,
    request: AuthorizationRequest,
    client: Client,
    brought: Brought,
    arrival: Arrival,
) -> LoginRequired | UnmetAuthenticationRequirements | None:
    """Why the app, which named a user, a context or an age, does not get this sign-in."""
    if not is_meant(broker, request, client, arrival.sub):
        return LoginRequired("another_user_than_named")
    if request.acr and brought.acr not in request.acr:
        return UnmetAuthenticationRequirements("acr_not_reached")
    reason = explain_login_age(brought, pending, request, now=broker.clock.now())
    return LoginRequired(reason) if reason else None


def _keep_client_alive(broker: Broker, client: Client) -> None:
    """A self-registered client ends when nobody signs in with it (REG-01); one write in half of that time at most."""
    life = broker.settings.registration_unused_days * 86400
    now = broker.clock.now()
    if client.expires_at is not None and client.expires_at - now < life // 2:
        broker.store.extend_client(client, expires_at=now + life)


def _issue(
    broker: Broker,
    pending: Pending,
    request: AuthorizationRequest,
    client: Client,
    arrival: Arrival,
    brought: Brought,
    sid: str,
    scopes: frozenset[str],
    consent: Consent | None,
    is_void: Callable[[int], bool],
    *,
    session_salt: bytes,
    ended: Callable[[], None],
) -> Grant:
    """Consent first, then the grant (a crash in between leaves no token without consent)."""
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
        acr=brought.acr,
        client=client,
        sid=sid,
        session_salt=session_salt,
    )
    record_consent(
        broker,
        consent,
        grant,
        client,
        redirect_uri=request.redirect_uri,
        in_a_day=pending.in_a_day,
        by_user=pending.decided_by == "page",
        is_void=is_void,
        ended=ended,
    )
    if request.device_round:
        approve_device(broker, grant, decision_of(broker, pending, client.client_id), claimed=True)
        return grant
    end_replaced_session(broker, request)
    if isinstance(broker.store.issue_grant(grant), Refused):
        raise PageError("claim_lost", page="sign_in_over")
    return grant


def start_session(broker: Broker, provider: Registered, brought: Brought, arrival: Arrival) -> BrowserSession:
    """A live browser session for who has just come back."""
    now = broker.clock.now()
    return BrowserSession(
        sub=arrival.sub,
        provider_id=provider.record.provider_id,
        account_id=arrival.account_id,
        signed_in_at=now,
        expires_at=now + broker.settings.session_seconds,
        sid=broker.entropy.token_bytes(16).hex(),
        epoch=broker.settings.epoch,
        auth_time=brought.auth_time,
        acr=brought.acr,
    )


def continue_session(
    broker: Broker, owner: SessionOwner | None, session: BrowserSession, subject: Subject, found: Found
) -> tuple[BrowserSession, tuple[Told, ...]]:
    """Where the same user was signed in at this browser already it goes on as that session, under its name."""
    if owner is None:
        return session, ()
    before = open_session(broker, owner, subject, sign_out=found.get(ended_place(owner)))
    if before is None:
        return session, ()
    return msgspec.structs.replace(session, sid=before.sid), owner.told
