"""The page after the provider: nobody decided on a page before, and the user has removed what the client requests.

Until the provider's response the user is unknown, so `first_party` and the recorded consent can be checked against that
user's reductions only now. The sign-in ends here; what the user decides on the page begins another one.
"""

from functools import partial

from chalicelib.endpoints.choice import show_choice
from chalicelib.endpoints.consenting import covers
from chalicelib.endpoints.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.decided import Decided
from chalicelib.endpoints.parties import load_parties
from chalicelib.endpoints.provider_return import ProviderReturn
from chalicelib.endpoints.pushed import Opened
from chalicelib.endpoints.shortfall import keep_again
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import BrowserSession
from chalicelib.replies import Reply


def needs_page(broker: Broker, returned: ProviderReturn) -> bool:
    """True where nobody decided on a page and the user has removed something since, or at any time before."""
    if returned.by_user:
        return False
    if returned.connection is not None and returned.connection.status == "revoked":
        return True
    consent, is_void = returned.consent, partial(returned.is_void, broker)
    if covers(consent, returned.request, returned.client, epoch=broker.settings.epoch, is_void=is_void):
        return False
    by_consent = returned.pending.decided_by.startswith("session:")
    return by_consent or (consent is not None and consent.was_reduced(broker.clock.now()))


def show_page(broker: Broker, http: Request, decided: Decided, session: BrowserSession) -> Reply:
    """The page of a sign-in, for the user who has just come back, under another grant id."""
    known, grant_id = read_browser(broker, http), broker.entropy.token_bytes(16).hex()
    browser = known or new_browser(broker)
    opened = Opened(
        request=decided.request,
        grant_id=grant_id,
        stored=keep_again(broker, decided.request, grant_id, browser) if decided.was_pushed else "",
        browser=browser,
    )
    page = show_choice(broker, http, opened, load_parties(broker, decided.request.client_id), session)
    return page if known else page.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))
