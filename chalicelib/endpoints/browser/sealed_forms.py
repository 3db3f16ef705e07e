"""The hidden field of each page's form: the values that were shown, encrypted for one browser. It is the CSRF token
too."""

import hmac

import msgspec

from chalicelib.endpoints.browser.sealed_values import browser_hash, open_value, read_value, seal_value
from chalicelib.ports import Broker
from chalicelib.records.account import AccountForm
from chalicelib.records.link import LinkForm
from chalicelib.records.sign_in import PageForm
from chalicelib.records.sign_out import SignOutForm, SignOutRequest


def seal_form(broker: Broker, form: PageForm) -> str:
    """The hidden field of a page; also its CSRF token, because it is bound to this browser's cookie."""
    return seal_value(broker, msgspec.msgpack.encode(form), "form", form.browser)


def open_form(broker: Broker, sealed: str, browser: str) -> PageForm | None:
    """The form, if it is genuine and from this browser; `is_fresh` checks its age."""
    opened = open_value(broker, sealed, "form", browser_hash(browser))
    form = read_value(opened, PageForm)
    if form is None:
        return None
    return form if hmac.compare_digest(form.browser, browser_hash(browser)) else None


def seal_link_form(broker: Broker, form: LinkForm) -> str:
    """The hidden field of a connect link's page, for this browser and this link alone."""
    return seal_value(broker, msgspec.msgpack.encode(form), "link_form", form.browser)


def open_link_form(broker: Broker, sealed: str, browser: str) -> LinkForm | None:
    """The form, if it is genuine and from this browser; the caller checks its link and age."""
    return read_value(open_value(broker, sealed, "link_form", browser_hash(browser)), LinkForm)


def seal_sign_out_form(broker: Broker, form: SignOutForm) -> str:
    """The hidden field of the page that confirms a sign-out, for this browser alone."""
    return seal_value(broker, msgspec.msgpack.encode(form), "sign_out_form", form.browser)


def open_sign_out_form(broker: Broker, sealed: str, browser: str) -> SignOutForm | None:
    """The form, if it is genuine and from this browser; the caller checks its age."""
    return read_value(open_value(broker, sealed, "sign_out_form", browser_hash(browser)), SignOutForm)


def seal_sign_out_request(broker: Broker, request: SignOutRequest) -> str:
    """A sign-out request that an app has posted, encrypted for the URL of the GET that follows."""
    return seal_value(broker, msgspec.msgpack.encode(request), "sign_out")


def open_sign_out_request(broker: Broker, sealed: str) -> SignOutRequest | None:
    """The request, if the broker encrypted it; the caller checks its age."""
    return read_value(open_value(broker, sealed, "sign_out"), SignOutRequest)


def seal_account_form(broker: Broker, form: AccountForm) -> str:
    """The hidden field of a user's own page, for this browser alone; it names the session."""
    return seal_value(broker, msgspec.msgpack.encode(form), *_account_place(form.browser))


def open_account_form(broker: Broker, sealed: str, browser: str) -> AccountForm | None:
    """The form, if it is genuine and from this browser; the caller checks its session and age."""
    return read_value(open_value(broker, sealed, *_account_place(browser_hash(browser))), AccountForm)


def is_fresh(broker: Broker, form: PageForm | LinkForm | SignOutForm | AccountForm) -> bool:
    """True unless the page is older than a sign-in may take."""
    return 0 <= broker.clock.now() - form.shown_at < broker.settings.pending_seconds


def _account_place(browser: str) -> tuple[str, str]:
    return "account_form", browser
