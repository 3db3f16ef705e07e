"""A trip to a provider for a connect link: how it is claimed, refused and ended, and one that only shows a login."""

from chalicelib.access import find_end_among
from chalicelib.asking import Brought, ProviderFailure, Registered, redeem_at_provider, status_of
from chalicelib.custody.linking import link_uri
from chalicelib.custody.unstored_tokens import UnstoredTokens
from chalicelib.endpoints.answers import error_location
from chalicelib.endpoints.arriving import Arrival, name_expected
from chalicelib.endpoints.browser_session import start_session
from chalicelib.endpoints.cookies import seal_session
from chalicelib.endpoints.link_page import show_outcome
from chalicelib.endpoints.parties import load_parties
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import AccessDenied, OAuthError, PageError, ServerError, TemporarilyUnavailable
from chalicelib.protocol.request import Request
from chalicelib.records.keyset import Purpose
from chalicelib.records.link import Link
from chalicelib.records.places import (
    DEPLOYMENT,
    client_place,
    consent_place,
    provider_place,
    subject_place,
)
from chalicelib.records.sign_in import Pending
from chalicelib.replies import Reply, redirect_reply
from chalicelib.upstream.http import ProviderUnavailable

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
    provider: Registered,
    pending: Pending,
    link: Link,
    *,
    code: str,
    unstored: UnstoredTokens,
) -> Brought:
    """Where the provider fails, the page leads back to the app with the registered error in the link."""
    try:
        return redeem_at_provider(broker, provider, pending, code, unstored.receive)
    except ProviderFailure as error:
        broker.log.event("provider_answer_refused", provider_id=pending.provider_id, reason=error.reason)
        away = isinstance(error, ProviderUnavailable)
        refusal = TemporarilyUnavailable(error.reason) if away else ServerError(error.reason)
        page = "provider_unavailable" if away else "provider_refused"
        back = _error_place(broker, http, link, refusal)
        raise PageError(error.reason, page=page, status=status_of(error), link=back) from None


def answer_refused(broker: Broker, http: Request, pending: Pending, link: Link, word: str) -> Reply:
    """The provider said no: who only wanted to show a login is back at the link, else the app learns of it."""
    broker.log.event("denied_at_provider", provider_id=pending.provider_id, error=word)
    if pending.purpose == "show_login":
        return redirect_reply(link_uri(broker, link))
    refusal = AccessDenied("denied_at_provider") if word == "access_denied" else ServerError("provider_error")
    place = _error_place(broker, http, link, refusal.noting(provider_error=word))
    if place is None:
        return show_outcome(broker, "not_connected", load_parties(broker, link.client_id).client)
    return redirect_reply(place)


def finish_login(
    broker: Broker, http: Request, pending: Pending, link: Link, provider: Registered, *, code: str
) -> Reply:
    """The user of the link has come back, and gets the browser session that the link demands; nothing else is kept.

    Raises PageError for anybody else.
    """
    claim_trip(broker, pending, link)
    with UnstoredTokens(broker, pending) as unstored:
        unstored.belong_to(link.sub)
        brought = redeem_for_link(broker, http, provider, pending, link, code=code, unstored=unstored)
        arrival = name_expected(broker, brought.provider, brought, link.client_id, link.sub)
        unstored.belong_to(arrival.sub, arrival.connection_id)
    return _open_session(broker, pending, link, brought, arrival)


def _open_session(broker: Broker, pending: Pending, link: Link, brought: Brought, arrival: Arrival) -> Reply:
    if arrival.sub != link.sub:
        raise PageError("another_account_came_back", page="link_of_another", status=403)
    found = broker.store.read(
        DEPLOYMENT,
        client_place(link.client_id),
        provider_place(pending.provider_id),
        subject_place(link.sub),
        consent_place(link.sub, link.client_id),
    )
    subject = found.get(subject_place(link.sub))
    at, provider_id = pending.decided_at, pending.provider_id
    end = find_end_among(broker, found, at, sub=link.sub, client_id=link.client_id, provider_id=provider_id)
    if end is not None or subject is None:
        raise PageError(end or "record_gone", page="link_over", status=403)
    session = start_session(broker, brought, arrival)
    return redirect_reply(link_uri(broker, link)).with_headers(seal_session(broker, session, subject.session_salt))


def _error_place(broker: Broker, http: Request, link: Link, refusal: OAuthError) -> str | None:
    return error_location(broker, http, link, refusal) if link.redirect_uri else None
