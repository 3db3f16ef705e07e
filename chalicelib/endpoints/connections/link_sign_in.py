"""A trip to a provider for a connect link: how it is claimed, refused and ended, and one that only shows a login."""

from chalicelib.endpoints.authorization.browser_session import start_session
from chalicelib.endpoints.authorization.provider_user import ProviderUser, resolve_expected_user
from chalicelib.endpoints.authorization.response import error_location
from chalicelib.endpoints.browser.cookies import seal_session
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.endpoints.connections.link_page import show_outcome
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import AccessDenied, OAuthError, PageError, ServerError, TemporarilyUnavailable
from chalicelib.protocol.request import Request
from chalicelib.provider_client import Provider, ProviderFailure, ProviderSignIn, callback_status, redeem_at_provider
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    client_item_key,
    consent_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.keyset import Purpose
from chalicelib.records.link import Link
from chalicelib.records.sign_in import Pending
from chalicelib.responses import Response, redirect_response
from chalicelib.revocation_marks import find_revocation_among
from chalicelib.upstream.http import ProviderUnavailable
from chalicelib.vault.connect_links import link_uri
from chalicelib.vault.unstored_tokens import UnstoredTokens

NEEDED_LATER: tuple[Purpose, ...] = ("identity", "vault", "cookie")
SKEW = 120


def claim_trip(broker: Broker, pending: Pending, link: Link) -> None:
    """Of any number of callbacks one goes on (CB-01). Raises PageError for the others, and nothing changes."""
    for purpose in NEEDED_LATER:  # a key that cannot be opened must cost nobody the link
        broker.keys.get(purpose)
    last_cookie_ends = link.expires_at + broker.settings.pending_seconds
    claim = broker.store.claim_connect(pending.grant_id, purge_at=last_cookie_ends + SKEW)
    if isinstance(claim, Refused):
        broker.log.event("state_already_used", provider_id=pending.provider_id)
        raise PageError("state_already_used", page="link_over")


def redeem_for_link(
    broker: Broker,
    http: Request,
    provider: Provider,
    pending: Pending,
    link: Link,
    *,
    code: str,
    unstored: UnstoredTokens,
) -> ProviderSignIn:
    """Where the provider fails, the page leads back to the app with the registered error in the link."""
    try:
        return redeem_at_provider(broker, provider, pending, code, unstored.receive)
    except ProviderFailure as error:
        broker.log.event("provider_answer_refused", provider_id=pending.provider_id, reason=error.reason)
        away = isinstance(error, ProviderUnavailable)
        refusal = TemporarilyUnavailable(error.reason) if away else ServerError(error.reason)
        page = "provider_unavailable" if away else "provider_refused"
        back = _error_place(broker, http, link, refusal)
        raise PageError(error.reason, page=page, status=callback_status(error), link=back) from None


def answer_refused(broker: Broker, http: Request, pending: Pending, link: Link, word: str) -> Response:
    """The provider said no: who only wanted to show a login is back at the link, else the app learns of it."""
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    if pending.purpose == "show_login":
        return redirect_response(link_uri(broker, link))
    refusal = AccessDenied("denied_at_provider") if word == "access_denied" else ServerError("provider_error")
    place = _error_place(broker, http, link, refusal.noting(provider_error=word))
    if place is None:
        return show_outcome(broker, "not_connected", load_client_context(broker, link.client_id).client)
    return redirect_response(place)


def finish_login(
    broker: Broker, http: Request, pending: Pending, link: Link, provider: Provider, *, code: str
) -> Response:
    """The user of the link has come back, and gets the browser session that the link demands; nothing else is kept.

    Raises PageError for anybody else.
    """
    claim_trip(broker, pending, link)
    with UnstoredTokens(broker, pending) as unstored:
        unstored.belong_to(link.sub)
        brought = redeem_for_link(broker, http, provider, pending, link, code=code, unstored=unstored)
        provider_user = resolve_expected_user(broker, brought.provider, brought, link.client_id, link.sub)
        unstored.belong_to(provider_user.sub, provider_user.connection_id)
    return _open_session(broker, pending, link, brought, provider_user)


def _open_session(
    broker: Broker, pending: Pending, link: Link, brought: ProviderSignIn, provider_user: ProviderUser
) -> Response:
    if provider_user.sub != link.sub:
        raise PageError("another_account_came_back", page="link_of_another", status=403)
    found = broker.store.read(
        DEPLOYMENT,
        client_item_key(link.client_id),
        provider_item_key(pending.provider_id),
        subject_item_key(link.sub),
        consent_item_key(link.sub, link.client_id),
    )
    subject = found.get(subject_item_key(link.sub))
    at, provider_id = pending.decided_at, pending.provider_id
    end = find_revocation_among(broker, found, at, sub=link.sub, client_id=link.client_id, provider_id=provider_id)
    if end is not None or subject is None:
        raise PageError(end or "record_gone", page="link_over", status=403)
    session = start_session(broker, brought, provider_user)
    return redirect_response(link_uri(broker, link)).with_headers(seal_session(broker, session, subject.session_salt))


def _error_place(broker: Broker, http: Request, link: Link, refusal: OAuthError) -> str | None:
    return error_location(broker, http, link, refusal) if link.redirect_uri else None
