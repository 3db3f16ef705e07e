"""My access in Chromium: on a phone in the dark without JavaScript, on a desk, with the back button, by keyboard."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from local.demo.app_server import DemoServer, start
from tests.kit.browser_steps import fits, notes_at, sign_in, sign_in_at_provider
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@pytest.fixture
def app(stack: Stack) -> Iterator[DemoServer]:
    """The demo app, registered at a broker of this test."""
    server = start(0, {"issuer": stack.settings.issuer, "providers": [notes_at(stack.provider.url)]}, "localhost")
    client, _ = stack.client(
        application_type="native", redirect_uris=(f"{server.url}/callback",), client_name="Notes, a demo app"
    )
    server.config["client_id"] = client.client_id
    yield server
    server.stop()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


@requirement("ACC-01", "ACC-02", "ACC-03", "GEN-23")
@pytest.mark.parametrize(("width", "mode", "script"), [(360, "dark", False), (1000, "light", True)])
def test_a_user_comes_in_looks_pauses_and_takes_back(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page], width: int, mode: str, script: bool
) -> None:
    sign_in(open_page(app.url))
    view = {"viewport": {"width": width, "height": 640}, "color_scheme": mode}
    page = open_page(f"{stack.settings.issuer}/account", java_script_enabled=script, **view)
    press(page, "Continue with Demo Notes")
    sign_in_at_provider(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("My access")
    page.get_by_role("link", name="Notes, a demo app").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notes, a demo app")
    if script:
        fits(page, width)
    press(page, "Pause")
    expect(page.get_by_text("Paused since")).to_be_visible()
    press(page, "Resume")
    expect(page.get_by_text("Paused since")).to_have_count(0)
    press(page, "Disconnect…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Disconnect Demo Notes from Notes, a demo app?")
    page.get_by_role("link", name="Keep Demo Notes").click()
    press(page, "Disconnect…")
    press(page, "Disconnect Demo Notes")
    expect(page.get_by_role("heading", level=1)).to_have_text("Demo Notes is disconnected from Notes, a demo app")
    expect(page.get_by_text("Ended", exact=True)).to_be_visible()
    page.goto(f"{stack.settings.issuer}/account")
    page.get_by_role("link", name="Notes, a demo app").click()
    expect(page.get_by_role("button", name="Disconnect…")).to_have_count(0)
    of_the_app = page.url
    press(page, "Remove…")
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove Notes, a demo app?")
    press(page, "Remove Notes, a demo app")
    expect(page.get_by_role("heading", level=1)).to_have_text("Notes, a demo app has been removed")
    page.goto(of_the_app)
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is out of date")
    page.get_by_role("link", name="My access").click()
    expect(page.get_by_text("No app can act for you")).to_be_visible()


@requirement("ACC-08", "ACC-10", "ACC-11")
def test_by_keyboard_an_app_is_allowed_less_then_everything_is_had_and_erased(
    stack: Stack, app: DemoServer, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url)
    sign_in(page)
    expect(page.get_by_role("link", name="My access")).to_have_attribute("href", f"{stack.settings.issuer}/account")
    page.goto(f"{stack.settings.issuer}/account")
    page.get_by_role("link", name="Notes, a demo app").focus()
    page.keyboard.press("Enter")
    page.locator("summary", has_text="Reduce permissions").focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("checkbox", name="read your notes")
    box.focus()
    page.keyboard.press("Space")
    expect(box).not_to_be_checked()
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="read your notes")).to_have_count(0)
    page.get_by_role("link", name="All apps").click()
    page.get_by_role("link", name="Your data").click()
    with page.expect_download() as waiting:
        press(page, "Download")
    assert waiting.value.suggested_filename == "my-access.json"
    press(page, "Delete…")
    press(page, "Delete everything")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your data has been deleted")
    page.goto(f"{stack.settings.issuer}/account")
    expect(page.get_by_role("button", name="Continue with Demo Notes")).to_be_visible()
