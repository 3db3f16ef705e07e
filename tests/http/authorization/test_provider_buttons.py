"""Where the page offers several providers, the button of one of them is the decision (CONS-04, CONS-11)."""

import pytest

from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.sign_in_scene import assert_page, grants, only_written
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

SCOPE = "openid email demo:notes:read demo:notes:write calendar:events:read calendar:events:write"


@pytest.fixture
def wide(make_stack) -> Stack:
    """A broker with two providers."""
    stack = make_stack()
    stack.register_provider("calendar")
    stack.register_provider("demo")
    return stack


def open_page(stack: Stack, **more: str) -> tuple[Browser, Answer]:
    """A browser before the page of an app whose scopes at both providers can be unticked."""
    every = frozenset(SCOPE.split())
    client, _ = stack.client(scopes=every, optional_scopes=frozenset({"demo:notes:write", "calendar:events:write"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, scope=SCOPE, **more), browser)
    assert page.status == 200, page.body[-800:]
    return browser, page


def press(browser: Browser, page: Answer, *pressed: tuple[str, str]) -> Answer:
    """Send what the browser sends: the ticked boxes of every provider, and the button."""
    return browser.post("/signin", [*read_page(page.body).fields, *pressed])


@requirement("CONS-11")
def test_a_page_of_several_has_a_button_for_each_and_none_that_allows_without_a_choice(wide: Stack) -> None:
    _, page = open_page(wide)
    assert read_page(page.body).buttons == [("provider", "calendar"), ("provider", "demo"), ("decision", "deny")]


@requirement("CONS-11")
def test_the_button_of_one_provider_allows_its_own_scopes_and_ignores_those_of_the_others(wide: Stack) -> None:
    browser, page = open_page(wide)
    assert ("scope", "calendar:events:write") in read_page(page.body).fields
    left = press(browser, page, ("provider", "demo"))
    assert left.location.startswith(wide.provider.url) and "events" not in left.location
    assert browser.get(wide.provider.sign_in(left.location)).status == 303
    (grant,) = grants(wide)
    assert grant.scopes == {"openid", "email", "demo:notes:read", "demo:notes:write"}


@requirement("CONS-11")
def test_the_button_of_another_provider_leads_there_and_asks_for_its_own_scopes(wide: Stack) -> None:
    browser, page = open_page(wide)
    location = press(browser, page, ("provider", "calendar")).location
    assert "%2Fcallback%2Fcalendar" in location and "events%3Awrite" in location and "notes" not in location


@requirement("CONS-11")
@pytest.mark.parametrize("provider", ["github", "unknown", "", "demo calendar"])
def test_a_provider_that_the_page_did_not_offer_is_refused(wide: Stack, provider: str) -> None:
    browser, page = open_page(wide)
    with only_written(wide):
        assert_page(press(browser, page, ("provider", provider)), 400)
    twice = (("provider", "demo"), ("provider", "calendar"))
    assert_page(press(browser, page, *twice), 400)


@requirement("CONS-11")
def test_with_one_provider_nothing_is_allowed_until_its_button_is_pressed(wide: Stack) -> None:
    browser, page = open_page(wide, provider="demo")
    shown = read_page(page.body)
    assert ("provider", "demo") in shown.fields and shown.buttons == [("decision", "allow"), ("decision", "deny")]
    with only_written(wide):
        assert_page(press(browser, page), 400)
    assert press(browser, page, ("decision", "allow")).location.startswith(wide.provider.url)


@requirement("CONS-11", "CONS-06")
def test_cancel_needs_no_provider_and_wins_over_one(wide: Stack) -> None:
    for more in ((), (("provider", "demo"),)):
        browser, page = open_page(wide)
        answer = press(browser, page, *more, ("decision", "deny"))
        assert "error=access_denied" in answer.location
