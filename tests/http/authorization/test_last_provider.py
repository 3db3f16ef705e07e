"""The page begins with the provider of the last sign-in, until a sign-out: a mark on its button, never a decision."""

from urllib.parse import urlencode

import pytest

from chalicelib.records.client import Client
from tests.kit.http.browser import Browser, read_page
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@pytest.fixture
def wide(make_stack) -> Stack:
    """A broker with two providers, of which `demo` comes second by name."""
    stack = make_stack()
    stack.register_provider("calendar")
    stack.register_provider("demo")
    return stack


def cards(stack: Stack, browser: Browser, **headers: str) -> list[tuple[str, bool]]:
    """The providers on the page in order, and which is marked."""
    client, _ = stack.client()
    page = browser.get(_authorize(stack, client, scope="openid"), **headers)
    assert page.status == 200
    buttons = [part.partition("</button>")[0] for part in page.body.split('name="provider" value="')[1:]]
    return [(button.partition('"')[0], "Last used" in button) for button in buttons]


def _authorize(stack: Stack, client: Client, **more: str) -> str:
    return "/authorize?" + urlencode(stack.authorize_parameters(client, **more))


@requirement("PAGE-07")
def test_a_browser_that_was_here_finds_its_provider_first_and_marked_though_its_session_is_over(wide: Stack) -> None:
    client, _ = wide.client()
    browser = wide.browser()
    assert cards(wide, browser) == [("calendar", False), ("demo", False)]
    wide.sign_in(client, browser=browser)
    del browser.cookies["tb_session"]
    assert cards(wide, browser) == [("demo", True), ("calendar", False)]
    assert cards(wide, wide.browser()) == [("calendar", False), ("demo", False)]
    (kept,) = [one for one in browser.set_cookies if one.startswith("tb_provider=")]
    assert kept == "tb_provider=demo; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"


@requirement("PAGE-07")
def test_who_signs_out_is_forgotten(wide: Stack) -> None:
    client, _ = wide.client()
    browser = wide.browser()
    wide.sign_in(client, browser=browser)
    page = browser.get("/logout")
    fields = read_page(page.body).fields
    assert browser.post("/logout", [*fields, ("decision", "sign_out")]).status == 200
    assert not {"tb_session", "tb_provider"} & browser.cookies.keys()
    assert cards(wide, browser) == [("calendar", False), ("demo", False)]


@requirement("PAGE-07")
@pytest.mark.parametrize("kept", ["none", "<b>", "demo demo", "github", "d" * 3000])
def test_a_cookie_that_names_nobody_who_is_offered_marks_nothing(wide: Stack, kept: str) -> None:
    browser = wide.browser()
    assert cards(wide, browser, Cookie=f"tb_provider={kept}") == [("calendar", False), ("demo", False)]


@requirement("PAGE-07")
def test_an_app_that_names_a_provider_gets_that_one_whatever_is_remembered(wide: Stack) -> None:
    client, _ = wide.client()
    browser = wide.browser()
    wide.sign_in(client, browser=browser)
    del browser.cookies["tb_session"]
    page = browser.get(_authorize(wide, client, scope="openid", provider="calendar"))
    assert 'type="hidden" name="provider" value="calendar"' in page.body and 'value="demo"' not in page.body
