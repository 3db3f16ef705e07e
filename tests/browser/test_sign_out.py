"""Signing out in Chromium: the page that asks, on a phone and in the dark, and the way back to the app."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from local.demo.app_server import DemoServer, start
from tests.kit.browser_steps import fits, notes_at, sign_in
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@pytest.fixture
def app(stack: Stack) -> Iterator[DemoServer]:
    """The demo app, registered at a broker of this test; its users return to its own page."""
    config = {"issuer": stack.settings.issuer, "providers": [notes_at(stack.provider.url)]}
    server = start(0, config, "localhost")
    client, _ = stack.client(
        application_type="native",
        redirect_uris=(f"{server.url}/callback",),
        post_logout_redirect_uris=(server.url + "/",),
    )
    server.config["client_id"] = client.client_id
    yield server
    server.stop()


@requirement("OUT-02", "OUT-03", "GEN-23")
@pytest.mark.parametrize(("width", "mode"), [(360, "dark"), (1000, "light")])
def test_a_user_stays_then_signs_out_and_returns_to_the_app(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page], width: int, mode: str
) -> None:
    page = open_page(app.url, viewport={"width": width, "height": 640}, color_scheme=mode)
    sign_in(page)
    there = f"{stack.settings.issuer}/logout?client_id={app.config['client_id']}&post_logout_redirect_uri={app.url}/"
    page.goto(there)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out?")
    fits(page, width)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re still signed in")
    fits(page, width)
    page.goto(there)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{app.url}/")
    page.goto(f"{stack.settings.issuer}/logout")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re signed out")
    fits(page, width)
    assert [one["name"] for one in page.context.cookies(stack.settings.issuer) if one["name"] == "tb_session"] == []


@requirement("OUT-01", "OUT-04")
def test_a_form_of_the_app_signs_out_across_sites(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    """The app posts from another site, which brings no cookie of ours: the redirect that follows does."""
    page = open_page(app.url)
    sign_in(page)
    session = [one for one in page.context.cookies(stack.settings.issuer) if one["name"] == "tb_session"]
    assert len(session) == 1 and session[0]["sameSite"] == "Lax"
    page.route("**/elsewhere", lambda route: route.fulfill(body="<form method=post></form>", content_type="text/html"))
    page.goto("http://localhost:1/elsewhere")
    page.evaluate(
        """(place) => { const form = document.forms[0]; form.action = place; form.submit() }""",
        f"{stack.settings.issuer}/logout",
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out?")
