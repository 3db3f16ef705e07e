"""Pages that were left open too long, in Chromium; the broker's clock moves, the browser's does not."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from local.demo.app_server import DemoServer, start
from tests.kit.browser_steps import begin, decide, notes_at, sign_in, sign_in_at_provider
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@pytest.fixture
def app(stack: Stack) -> Iterator[DemoServer]:
    """The demo app, registered at a broker of this test."""
    config = {"issuer": stack.settings.issuer, "providers": [notes_at(stack.provider.url)]}
    server = start(0, config, "localhost")
    client, _ = stack.client(application_type="native", redirect_uris=(f"{server.url}/callback",))
    server.config["client_id"] = client.client_id
    yield server
    server.stop()


@requirement("CONS-04", "GEN-14")
def test_our_page_that_was_left_open_says_so_and_the_app_can_begin_again(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url)
    begin(page)
    stack.clock.advance(stack.settings.pending_seconds + 1)
    decide(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("This sign-in has expired")
    assert stack.provider.url not in page.url
    page.goto(app.url)
    sign_in(page)


@requirement("CB-01", "GEN-14")
def test_coming_back_from_the_provider_too_late_reaches_no_app(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    asked = stack.provider.count("token")
    page = open_page(app.url)
    begin(page)
    decide(page)
    expect(page.get_by_role("button", name="Sign in as Alice")).to_be_visible()
    stack.clock.advance(stack.settings.pending_seconds + 1)
    sign_in_at_provider(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("We couldn’t match this sign-in to your browser")
    expect(page.get_by_text("It may have expired")).to_be_visible()
    assert page.url.startswith(stack.settings.issuer) and stack.provider.count("token") == asked


@requirement("CB-02")
def test_cookies_cleared_at_the_provider_are_explained(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url)
    begin(page)
    decide(page)
    expect(page.get_by_role("button", name="Sign in as Alice")).to_be_visible()
    page.context.clear_cookies()
    sign_in_at_provider(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("We couldn’t match this sign-in to your browser")


@requirement("CONS-04")
def test_back_and_allow_again_is_a_sign_in_like_any_other(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url)
    begin(page)
    decide(page)
    expect(page.get_by_role("button", name="Sign in as Alice")).to_be_visible()
    page.go_back()
    decide(page)
    sign_in_at_provider(page)
    expect(page.locator("#account-name")).to_contain_text("Alice")
