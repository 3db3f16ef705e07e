"""The browser's active session, and whether it can complete a sign-in without the provider (single sign-on)."""

from typing import Any

from msgspec import Struct

from chalicelib.endpoints.authorization.consent.record import consent_covers, record_consent
from chalicelib.endpoints.authorization.device_approval import approve_device
from chalicelib.endpoints.authorization.new_grant import add_logout_recipient, build_grant, end_replaced_session
from chalicelib.endpoints.authorization.pending_request import check_decision
from chalicelib.endpoints.authorization.response import AuthorizationResponse, grant_response
from chalicelib.endpoints.browser.cookies import Headers, open_session, read_session_owner, seal_session, sign_out_key
from chalicelib.endpoints.callers.clients import ClientContext, consent_time, find_switched_on
from chalicelib.ports import Broker, DeviceDecision, Items, Refused
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.derived_ids import derive_connection_id
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.provider_client import load_definition
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    connection_item_key,
    consent_item_key,
    subject_item_key,
)
from chalicelib.records.sign_in import AuthorizationRequest, BrowserSession, LogoutRecipient
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, is_provider_revoked
from chalicelib.token_issuer import subject_for
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.vault.rules.connection_merge import is_usable, provider_scopes


class ActiveSession(Struct, frozen=True, kw_only=True):
    """A valid browser session, with the consent and connection of this user and client.

    now   when it was read; every decision about it uses this moment
    """

    session: BrowserSession
    told: tuple[LogoutRecipient, ...]
    consent: Consent | None
    connection: Connection | None
    found: Items
    now: int


def find_active_session(broker: Broker, http: Request, client_id: str, *also: ItemKey[Any]) -> ActiveSession | None:
    """None without a valid session. One batch read if the browser sends a session cookie, otherwise none.

    also   more item keys for the same read
    """
    owner = read_session_owner(broker, http)
    if owner is None:
        return None
    connection_id = derive_connection_id(
        broker.keys.get("identity").current.secret, sub=owner.sub, client_id=client_id, account_id=owner.account_id
    )
    places = (subject_item_key(owner.sub), consent_item_key(owner.sub, client_id), connection_item_key(connection_id))
    ended = sign_out_key(owner)
    found = broker.store.read(*places, ended, DEPLOYMENT, client_item_key(client_id), *find_switched_on(broker), *also)
    now = broker.clock.now()
    session = open_session(broker, owner, found.get(places[0]), sign_out=found.get(ended), now=now)
    if session is None or is_provider_revoked(found, session.provider_id, session.signed_in_at):
        return None
    consent, connection = found.get(places[1]), found.get(places[2])
    return ActiveSession(session=session, told=owner.told, consent=consent, connection=connection, found=found, now=now)


def _find_end(active_session: ActiveSession, client_id: str, decided_at: int) -> str | None:
    """The revocation in this read that voids a decision or connection of that time."""
    session = active_session.session
    parties = DecisionParties(session.sub, client_id, session.provider_id)
    return find_revocation_among(active_session.found, parties, decided_at, now=active_session.now, first_time=True)


def is_expected_user(broker: Broker, request: AuthorizationRequest, client: Client, sub: str) -> bool:
    """True if this user may sign in; the app may have named one (`id_token_hint`, `sub` in `claims`)."""
    return not request.subjects or subject_for(broker, client, sub) in request.subjects


def can_skip_provider(
    broker: Broker,
    active_session: ActiveSession,
    request: AuthorizationRequest,
    provider_id: str,
    allowed: frozenset[str],
) -> bool:
    """True if the user's connection has everything that this sign-in needs, and no new login is required."""
    connection, session = active_session.connection, active_session.session
    client = active_session.found.get(client_item_key(request.client_id))
    if client is None or not is_expected_user(broker, request, client, session.sub):
        return False
    if requires_login(request, session, active_session.now):
        return False
    if connection is None or session.provider_id != provider_id or connection.provider_id != provider_id:
        return False
    if _find_end(active_session, request.client_id, connection.connected_at) is not None:
        return False
    if connection.status not in ("active", "partial") or connection.epoch != broker.settings.epoch:
        return False
    needed = provider_scopes(allowed, provider_id)
    definition = load_definition(broker, provider_id)
    if needed and not is_usable(connection, definition, active_session.now):
        return False
    consented = provider_scopes(active_session.consent.scopes, provider_id) if active_session.consent else frozenset()
    if excess_scopes(definition, granted=connection.granted, allowed=needed | consented):
        return False  # the connection could not be handed out; only a new sign-in at the provider fixes that
    return not missing_scopes(definition, granted=connection.granted, needed=needed)


def requires_login(request: AuthorizationRequest, session: BrowserSession, now: int) -> bool:
    """True if the app requires a new login: it requested one, or this session's login is too old. An unknown login age
    counts as too old for every `max_age` (OpenID Connect Core section 3.1.2.1)."""
    if request.prompt & {"login", "select_account"}:
        return True
    if _wants_another_context(request, session):
        return True
    if request.max_age is None:
        return False
    return session.auth_time is None or max(now - session.auth_time, 0) >= request.max_age


def _wants_another_context(request: AuthorizationRequest, session: BrowserSession) -> bool:
    """A required context must match. A requested one justifies a redirect only to a provider that reports contexts, and
    never with prompt=none."""
    if request.acr:
        return session.acr not in request.acr
    wished = words(request.acr_values or "")
    return bool(wished and session.acr) and session.acr not in wished and "none" not in request.prompt


def _issue(
    broker: Broker, request: AuthorizationRequest, grant: Grant, code_secret: bytes, now: int
) -> AuthorizationResponse:
    """Store the grant and build the response. A device gets no response here, because it polls for its tokens."""
    if request.device_round:
        decided = DeviceDecision(
            grant_id=grant.grant_id,
            client_id=grant.client_id,
            round=request.device_round,
            decision=grant.secret_hash,
            decided_at=grant.decided_at,
            now=now,
        )
        approve_device(broker, grant, decided, claimed=False)
        return AuthorizationResponse(redirect_uri="", members={})
    end_replaced_session(broker, request)
    if isinstance(broker.store.claim_grant(grant), Refused):
        raise PageError("decision_already_used", page="sign_in_over")
    return grant_response(broker, request, grant, code_secret)


def was_removed(
    broker: Broker, active_session: ActiveSession, request: AuthorizationRequest, context: ClientContext
) -> bool:
    """True if this user has removed access that the request needs; no setting of the operator restores it."""
    if request.provider_id and was_revoked_by_user(active_session, request.provider_id):
        return True
    reduced = active_session.consent is not None and active_session.consent.was_reduced(active_session.now)
    return reduced and not has_consent(broker, active_session, request, context)


def was_revoked_by_user(active_session: ActiveSession, provider_id: str) -> bool:
    """True if this user revoked this app's access to the account of this session."""
    connection = active_session.connection
    return connection is not None and (connection.provider_id, connection.status) == (provider_id, "revoked")


def has_consent(
    broker: Broker, active_session: ActiveSession, request: AuthorizationRequest, context: ClientContext
) -> bool:
    """True if nothing new has to be decided."""
    return consent_covers(
        active_session.consent,
        request,
        context.client,
        epoch=broker.settings.epoch,
        is_void=lambda at: _find_end(active_session, request.client_id, at) is not None,
    )


def issue_from_session(
    broker: Broker,
    active_session: ActiveSession,
    request: AuthorizationRequest,
    context: ClientContext,
    *,
    grant_id: str,
    allowed: frozenset[str],
    by_user: bool = False,
    in_a_day: bool = False,
) -> tuple[AuthorizationResponse, Headers]:
    """Issue a code from the session; returns the response, and the session's cookie if it must name one more app.

    Raises PageError if a revocation ended the access, or this decision was carried out before.
    """
    session = active_session.session
    connection_id = active_session.connection.connection_id if active_session.connection else ""
    code_secret = broker.entropy.token_bytes(16)
    subject = active_session.found.get(subject_item_key(session.sub))
    grant = build_grant(
        broker,
        request,
        grant_id=grant_id,
        code_secret=code_secret,
        decided_at=consent_time(broker, context, session.provider_id),
        sub=session.sub,
        provider_id=session.provider_id,
        connection_id=connection_id,
        scopes=allowed,
        auth_time=session.auth_time,
        acr=session.acr,
        client=context.client,
        sid=session.sid,
        session_salt=subject.session_salt if subject else b"",
        now=active_session.now,
    )
    client = active_session.found.get(client_item_key(request.client_id))
    end = _find_end(active_session, request.client_id, grant.decided_at)
    client = check_decision(broker, request, client, end, page="not_allowed")
    record_consent(
        broker,
        active_session.consent,
        grant,
        client,
        redirect_uri=request.redirect_uri,
        in_a_day=in_a_day,
        by_user=by_user,
        now=active_session.now,
        is_void=lambda at: _find_end(active_session, request.client_id, at) is not None,
    )
    answer = _issue(broker, request, grant, code_secret, active_session.now)
    told = (
        active_session.told
        if request.device_round
        else add_logout_recipient(active_session.told, client, grant.shown_sub or grant.sub)
    )
    if subject is None or set(told) == set(active_session.told):
        return answer, ()
    return answer, (seal_session(broker, session, subject.session_salt, told),)
