"""A sign-in at a provider for a connect link: its claim and refusal, and the sign-in that only shows a login."""

from chalicelib.endpoints.authorization.browser_session import start_session
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback, claim_state
from chalicelib.endpoints.authorization.provider_user import resolve_expected_user
from chalicelib.endpoints.authorization.response import error_location
from chalicelib.endpoints.browser.cookies import seal_session
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.endpoints.connections.link_page import show_outcome
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.records.item_keys import subject_item_key
from chalicelib.records.link import Link
from chalicelib.responses import Response, redirect_response
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys
from chalicelib.vault.connect_links import link_uri

SKEW = 120


def claim_shown_login(broker: Broker, callback: ProviderCallback) -> Link:
    """The link, for the one callback that continues (CB-01). Raises PageError for the others."""
    claim_link_state(broker, callback)
    return callback.link


def claim_link_state(broker: Broker, callback: ProviderCallback) -> None:
    """Claim the state with one write. Raises PageError, without a change, if another callback has claimed it."""
    last_cookie_ends = callback.link.expires_at + broker.settings.pending_seconds
    claim_state(broker, callback.pending, purge_at=last_cookie_ends + SKEW, page="link_over")


def release_link(broker: Broker, callback: ProviderCallback, _claimed: object, refusal: OAuthError) -> str | None:
    """The link works once, so the claim stays; the page leads back to the app with the registered error."""
    return _error_uri(broker, callback, refusal)


def refuse_shown_login(broker: Broker, callback: ProviderCallback, _refusal: OAuthError) -> Response:
    """The provider refused to show a login: return to the link."""
    return redirect_response(link_uri(broker, callback.link))


def refuse_link(broker: Broker, callback: ProviderCallback, refusal: OAuthError) -> Response:
    """The provider refused: report it to the app, or to the user if the app named no URI."""
    uri = _error_uri(broker, callback, refusal)
    if uri is None:
        return show_outcome(broker, "not_connected", load_client_context(broker, callback.link.client_id).client)
    return redirect_response(uri)


def finish_shown_login(broker: Broker, callback: RedeemedCallback, link: Link) -> Response:
    """Give the link's user the browser session that the link requires; stores nothing else.

    Raises PageError for any other user.
    """
    brought = callback.brought
    provider_user = resolve_expected_user(broker, brought, link.client_id, link.sub)
    callback.unstored.belong_to(provider_user.sub, provider_user.connection_id)
    if provider_user.sub != link.sub:
        raise PageError("another_account_came_back", page="link_of_another", status=403)
    parties = DecisionParties(link.sub, link.client_id, callback.pending.provider_id)
    found = broker.store.read(*revocation_keys(parties))
    subject = found.get(subject_item_key(link.sub))
    end = find_revocation_among(found, parties, callback.pending.decided_at, now=callback.now)
    if end is not None or subject is None:
        raise PageError(end or "record_gone", page="link_over", status=403)
    session = start_session(broker, brought, provider_user, now=callback.now)
    return redirect_response(link_uri(broker, link)).with_headers(seal_session(broker, session, subject.session_salt))


def _error_uri(broker: Broker, callback: ProviderCallback, refusal: OAuthError) -> str | None:
    """The URL that reports the refusal to the app, if it named one."""
    link = callback.link
    return error_location(broker, callback.http, link, refusal) if link.redirect_uri else None
