"""The page after the provider's callback: no page was shown before, and the user has removed scopes that the client
requests.

Until the provider's response the user is unknown, so only now can the request be compared with what the user has
removed. This sign-in ends; the decision on the page begins another one.
"""

from chalicelib.endpoints.authorization.consent.page import show_consent_page
from chalicelib.endpoints.authorization.consent.partial import keep_again
from chalicelib.endpoints.authorization.consent.record import consent_covers
from chalicelib.endpoints.authorization.pending_request import ConsentedRequest
from chalicelib.endpoints.authorization.provider_return import ProviderReturn
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import BrowserSession
from chalicelib.responses import Response


def needs_page(broker: Broker, returned: ProviderReturn) -> bool:
    """True if no page was shown and the user has removed access since then, or at any time before."""
    if returned.by_user:
        return False
    if returned.connection is not None and returned.connection.status == "revoked":
        return True
    consent, is_void = returned.consent, returned.is_void
    if consent_covers(consent, returned.request, returned.client, epoch=broker.settings.epoch, is_void=is_void):
        return False
    by_consent = returned.pending.decided_by.startswith("session:")
    return by_consent or (consent is not None and consent.was_reduced(returned.callback.now))


def show_page(broker: Broker, http: Request, decided: ConsentedRequest, session: BrowserSession) -> Response:
    """The consent page for the user who has just signed in, under a new grant id."""
    known, grant_id = read_browser(broker, http), broker.entropy.token_bytes(16).hex()
    browser = known or new_browser(broker)
    opened = OpenedRequest(
        request=decided.request,
        grant_id=grant_id,
        stored=keep_again(broker, decided.request, grant_id, browser) if decided.was_pushed else "",
        browser=browser,
    )
    page = show_consent_page(broker, http, opened, load_client_context(broker, decided.request.client_id), session)
    return page if known else page.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))
