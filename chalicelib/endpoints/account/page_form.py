"""What the pages of My access have in common: the sealed form of this browser and session, and the user's name."""

from typing import Any

from msgspec import Struct

from chalicelib.endpoints.account.access import AccountAccess, AccountUser
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_account_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import account_path, issuer_host
from chalicelib.endpoints.connections.connections import open_profile_of
from chalicelib.pages.page import Page
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.records.account import AccountForm
from chalicelib.responses import Response, page_response
from chalicelib.vault.rules.account_label import label_of


class ShownForm(Struct, frozen=True, kw_only=True):
    """The sealed form of a page, valid for this browser and session alone.

    browser   the cookie to set; "" if the browser has it already
    """

    sealed: str
    browser: str = ""

    def respond(self, broker: Broker, page: Page) -> Response:
        """The page, with the cookie that its form needs."""
        reply = page_response(page)
        return reply.with_headers(set_cookie(broker, BROWSER, self.browser, max_age=None)) if self.browser else reply


def show_form(broker: Broker, http: Request, holder: AccountUser) -> ShownForm:
    """The form of a page that is shown now."""
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    form = AccountForm(browser=browser_hash(browser), sub=holder.sub, sid=holder.session.sid, shown_at=holder.now)
    return ShownForm(sealed=seal_account_form(broker, form), browser="" if known else browser)


def place_of(broker: Broker) -> dict[str, Any]:
    """The path of My access and the host, for every page of it."""
    return {"action": account_path(broker), "site": issuer_host(broker)}


def find_user_label(broker: Broker, holder: AccountUser, held: AccountAccess, user_key: bytes) -> str:
    """The name of the account with which the user is signed in, from a connection of the same account; "" without
    one."""
    mine = (holder.session.provider_id, holder.session.account_id)
    same = [one for one in held.connections if (one.provider_id, one.account_id) == mine and one.status != "revoked"]
    labels = (label_of(open_profile_of(broker, one, user_key)) for one in same)
    return next((label for label in labels if label), "")
