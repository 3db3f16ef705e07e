"""The end of a sign-in: from the provider's response to the broker's code, with connection, consent and grant."""

from collections.abc import Callable

import msgspec

from chalicelib.endpoints.authorization.browser_session import CurrentSession, continue_session, start_session
from chalicelib.endpoints.authorization.consent.partial import Shortfall, find_shortfall, show_shortfall
from chalicelib.endpoints.authorization.consent.partial_cancel import revoke_partial_connection
from chalicelib.endpoints.authorization.consent.record import record_consent
from chalicelib.endpoints.authorization.consent.second_page import needs_page, show_page
from chalicelib.endpoints.authorization.consent.session_sign_in import is_expected_user
from chalicelib.endpoints.authorization.device_approval import approve_device, decision_of, show_end
from chalicelib.endpoints.authorization.login_age import explain_login_age
from chalicelib.endpoints.authorization.new_grant import add_logout_recipient, build_grant, end_replaced_session
from chalicelib.endpoints.authorization.new_user import find_or_make_user
from chalicelib.endpoints.authorization.pending_request import load_request
from chalicelib.endpoints.authorization.provider_callback import RedeemedCallback
from chalicelib.endpoints.authorization.provider_return import ProviderReturn
from chalicelib.endpoints.authorization.provider_user import check_not_revoked, resolve_user, sign_in_keys
from chalicelib.endpoints.authorization.response import grant_response, request_error_response, send_response
from chalicelib.endpoints.browser.cookies import read_session_owner, set_provider, sign_out_keys
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import LoginRequired, PageError, UnmetAuthenticationRequirements
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import subject_item_key, user_key_item_key
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.records.subject import Subject
from chalicelib.responses import Response
from chalicelib.token_issuer import subject_for
from chalicelib.vault.connection_store import ConnectionOwner, revoke_replaced_tokens, store_connection


def finish_sign_in(broker: Broker, callback: RedeemedCallback, client_id: str) -> Response:
    """Finish a sign-in. After any exception, `callback.unstored` revokes the tokens that no connection stores."""
    pending, brought, before = callback.pending, callback.brought, read_session_owner(broker, callback.http)
    provider_user, found = resolve_user(
        broker,
        brought,
        client_id,
        lambda user: broker.store.read(*sign_in_keys(pending, user, client_id), *sign_out_keys(before)),
        decided_at=pending.decided_at,
    )
    callback.unstored.belong_to(provider_user.sub, provider_user.connection_id)
    try:
        decided = load_request(pending, found, broker)
        client = check_not_revoked(broker, callback, decided.request, provider_user, found)
    except PageError:
        _end(broker, callback, client_id)
        raise
    returned = ProviderReturn(
        callback=callback, decided=decided, client=client, provider_user=provider_user, found=found
    )
    refusal = _find_refusal(broker, returned)
    if refusal is not None:
        _end(broker, callback, client_id)
        return send_response(broker, request_error_response(broker, callback.http, returned.request, refusal))
    owner, subject = _find_owner(broker, returned)
    current = continue_session(
        broker, before, start_session(broker, brought, provider_user, now=callback.now), subject, found
    )
    if needs_page(broker, returned):
        _end(broker, callback, client_id)
        return show_page(broker, callback.http, decided, current.session).with_headers(current.cookie(broker))
    return _connect(broker, returned, owner, current)


def _connect(broker: Broker, returned: ProviderReturn, owner: ConnectionOwner, current: CurrentSession) -> Response:
    """Store connection, consent and grant, in this order: a crash in between leaves no token without consent."""
    provider = returned.brought.provider
    granted = returned.brought.tokens.granted
    shortfall = find_shortfall(provider.definition, returned.client, allowed=_admit(returned), granted=granted)
    connection = store_connection(
        broker,
        owner,
        returned.brought,
        returned.callback.unstored,
        read=returned.connection,
        consent=returned.consent,
        status="partial" if shortfall.missing else "active",
        connected_at=returned.pending.decided_at,
        now=returned.callback.now,
        is_void=returned.is_void,
    )
    if shortfall.missing:
        page = _ask_about_shortfall(broker, returned, shortfall)
        revoke_replaced_tokens(broker, owner, provider, connection)
        return page.with_headers(current.cookie(broker))
    grant = _build_grant(broker, returned, current, shortfall.left)
    _record(broker, returned, grant, ended=lambda: revoke_partial_connection(broker, connection, owner.user_key))
    issued = _issue(broker, returned, grant)
    _keep_client_alive(broker, returned.client, returned.callback.now)
    revoke_replaced_tokens(broker, owner, provider, connection)
    return _respond(broker, returned, issued, current)


def _respond(broker: Broker, returned: ProviderReturn, issued: Grant, current: CurrentSession) -> Response:
    """Send the code to the client. A device fetches its tokens itself, so its user sees a page."""
    remembered = set_provider(broker, returned.brought.provider.definition.provider_id)
    client = returned.client
    if returned.request.device_round:
        page = show_end(broker, "device_done", client.client_name)
        return page.with_headers(current.cookie(broker), remembered)
    told = add_logout_recipient(current.told, client, subject_for(broker, client, returned.provider_user.sub))
    current = msgspec.structs.replace(current, told=told)
    answer = send_response(broker, grant_response(broker, returned.request, issued, returned.pending.code_secret))
    return answer.with_headers(current.cookie(broker), remembered)


def _ask_about_shortfall(broker: Broker, returned: ProviderReturn, shortfall: Shortfall) -> Response:
    """End this grant after the provider granted less than was allowed, and let the user decide."""
    request, grant_id = _ask_again(broker, returned.pending, returned.request)
    return show_shortfall(broker, returned, shortfall, request=request, grant_id=grant_id)


def _ask_again(broker: Broker, pending: Pending, request: AuthorizationRequest) -> tuple[AuthorizationRequest, str]:
    """The request for the next decision, and its grant id: a new one, because this grant ends. A device knows only its
    first grant, which is reopened, and earlier pages and decisions for it become void."""
    if not request.device_round:
        broker.store.revoke_grant(pending.grant_id, client_id=request.client_id)
        return request, broker.entropy.token_bytes(16).hex()
    broker.store.reopen_device(decision_of(broker, pending, request.client_id))
    return msgspec.structs.replace(request, device_round=request.device_round + 1), pending.grant_id


def _find_owner(broker: Broker, returned: ProviderReturn) -> tuple[ConnectionOwner, Subject]:
    """The user who owns the connection, with that user's key; a new user is stored here."""
    provider_user, found = returned.provider_user, returned.found
    user_key, subject = find_or_make_user(
        broker,
        provider_user,
        known_key=found.get(user_key_item_key(provider_user.sub)),
        known_subject=found.get(subject_item_key(provider_user.sub)),
    )
    owner = ConnectionOwner(
        subject=subject,
        sub=provider_user.sub,
        client_id=returned.client.client_id,
        connection_id=provider_user.connection_id,
        user_key=user_key,
        account_id=provider_user.account_id,
    )
    return owner, subject


def _admit(returned: ProviderReturn) -> frozenset[str]:
    """The allowed scopes, without those that the user has removed since the decision."""
    consent, allowed = returned.consent, returned.decided.allowed
    if consent is None:
        return allowed
    at, now = returned.pending.decided_at, returned.callback.now
    return consent.admits(allowed, decided_at=at, by_user=returned.by_user, now=now)


def _end(broker: Broker, callback: RedeemedCallback, client_id: str) -> None:
    """End a failed sign-in: revoke the provider's tokens and the claim."""
    callback.unstored.give_back()
    broker.store.revoke_grant(callback.pending.grant_id, client_id=client_id)


def _find_refusal(broker: Broker, returned: ProviderReturn) -> LoginRequired | UnmetAuthenticationRequirements | None:
    """The reason to refuse a client that requires a certain user, context or login age."""
    request, brought = returned.request, returned.brought
    if not is_expected_user(broker, request, returned.client, returned.provider_user.sub):
        return LoginRequired("another_user_than_named")
    if request.acr and brought.acr not in request.acr:
        return UnmetAuthenticationRequirements("acr_not_reached")
    reason = explain_login_age(brought, returned.pending, request, now=returned.callback.now)
    return LoginRequired(reason) if reason else None


def _keep_client_alive(broker: Broker, client: Client, now: int) -> None:
    """Move the expiry of a self-registered client (REG-01), by one write in half of its lifetime at most."""
    life = broker.settings.registration_unused_days * 86400
    if client.expires_at is not None and client.expires_at - now < life // 2:
        broker.store.extend_client(client, expires_at=now + life)


def _build_grant(broker: Broker, returned: ProviderReturn, current: CurrentSession, scopes: frozenset[str]) -> Grant:
    pending, provider_user, brought = returned.pending, returned.provider_user, returned.brought
    return build_grant(
        broker,
        returned.request,
        grant_id=pending.grant_id,
        code_secret=pending.code_secret,
        decided_at=pending.decided_at,
        sub=provider_user.sub,
        provider_id=pending.provider_id,
        connection_id=provider_user.connection_id,
        scopes=scopes,
        auth_time=brought.auth_time,
        acr=brought.acr,
        client=returned.client,
        sid=current.session.sid,
        session_salt=current.session_salt,
        now=returned.callback.now,
    )


def _record(broker: Broker, returned: ProviderReturn, grant: Grant, *, ended: Callable[[], None]) -> None:
    """Add this sign-in to the user's consent.

    ended   called if the user has revoked it meanwhile, before this raises
    """
    record_consent(
        broker,
        returned.consent,
        grant,
        returned.client,
        redirect_uri=returned.request.redirect_uri,
        in_a_day=returned.pending.in_a_day,
        by_user=returned.by_user,
        now=returned.callback.now,
        is_void=returned.is_void,
        ended=ended,
    )


def _issue(broker: Broker, returned: ProviderReturn, grant: Grant) -> Grant:
    """Store the grant in place of its claim. Raises PageError if the claim has expired."""
    if returned.request.device_round:
        client_id = returned.client.client_id
        approve_device(broker, grant, decision_of(broker, returned.pending, client_id), claimed=True)
        return grant
    end_replaced_session(broker, returned.request)
    if isinstance(broker.store.issue_grant(grant), Refused):
        raise PageError("claim_lost", page="sign_in_over")
    return grant
