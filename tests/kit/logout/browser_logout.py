"""Signing out in a browser."""

from urllib.parse import urlencode

from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session

BYE = "https://app.example/bye?from=broker"


def log_out(browser: Browser, **parameters: str) -> Answer:
    return browser.get("/logout?" + urlencode(parameters))


def press(browser: Browser, page: Answer, decision: str = "sign_out", **headers: str) -> Answer:
    """A button of the page that asks."""
    form = read_page(page.body)
    assert form.action == "/logout"
    return browser.post(form.action, [*form.fields, ("decision", decision)], **headers)


def is_signed_in(stack: Stack, session: Session) -> bool:
    """Whether this browser gets a code without anybody being asked."""
    silent = stack.authorize(stack.authorize_parameters(session.client, prompt="none"), session.sign_in.browser)
    return "code" in silent.answered
