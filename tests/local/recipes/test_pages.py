"""Each recipe that is a page: signed in, another account connected, a provider's token used where it shows that."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local.demo.backend import Behind
from local.recipe.recipe import PAGES
from tests.kit.browser_steps import CANCEL, decide, sign_in_at_provider
from tests.kit.requirement import requirement
from tests.local.recipes.program import run

OpenRecipe = Callable[[str], Page]
WITH_ACCOUNTS = sorted(set(PAGES) - {"popup"})
READING = {"react", "svelte", "vue"}  # those that show a provider's notes


def sign_in(page: Page, window: Page | None = None) -> None:
    """Alice, at Demo Notes. `window`: where the app has sent her, if not there."""
    decide(window or page)
    sign_in_at_provider(window or page)
    expect(page.locator("#who")).to_have_text("Signed in as Alice Almeida")


@requirement("DLV-02")
@pytest.mark.parametrize("name", WITH_ACCOUNTS)
def test_a_page_signs_in_and_connects_another_account(open_recipe: OpenRecipe, name: str) -> None:
    page = open_recipe(name)
    page.get_by_role("button", name="Sign in").click()
    sign_in(page)
    rows = page.get_by_role("listitem")
    expect(rows).to_contain_text(["alice · Connected", "Not connected"])
    assert page.evaluate("location.pathname + location.search") == "/"
    with page.context.expect_page() as opened:
        rows.nth(1).get_by_role("button", name="Connect").click()
    decide(opened.value)
    sign_in_at_provider(opened.value, "Bob")
    expect(rows).to_contain_text(["alice · Connected", "bob · Connected"])
    if name in READING:
        page.get_by_role("button", name="Read the notes").click()
        expect(page.get_by_text("The notes of alice")).to_be_visible()


@requirement("DLV-02")
def test_a_program_of_this_machine_signs_in_in_the_users_own_browser(
    browser: Browser, demo: Behind, tmp_path: Path
) -> None:
    def go(shown: str) -> None:
        page = browser.new_page()
        page.goto(shown)
        decide(page)
        sign_in_at_provider(page)
        expect(page.get_by_text("Signed in. Go back to the terminal.")).to_be_visible()
        page.close()

    assert "Alice Almeida" in run(demo, "native-loopback", tmp_path, go)


@requirement("DLV-02")
def test_a_window_signs_in_while_the_page_stays(open_recipe: OpenRecipe) -> None:
    page = open_recipe("popup")
    page.evaluate("window.stays = true")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Sign in").click()
    window = opened.value
    expect(window.get_by_role("button", name="Continue with")).to_be_visible()
    assert window.evaluate("window.opener") is None
    sign_in(page, window)
    assert page.evaluate("window.stays")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Sign in").click()
    decide(opened.value, CANCEL)
    expect(page.locator("#who")).to_have_text("You declined.")


@requirement("DLV-02")
def test_a_window_that_is_blocked_leaves_the_redirect(open_recipe: OpenRecipe) -> None:
    page = open_recipe("popup")
    page.evaluate("window.open = () => null")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
