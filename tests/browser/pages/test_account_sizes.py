"""My access is short enough to be read: how long its pages are in Chromium, on a desk and on a phone."""

import pytest
from playwright.sync_api import Browser

from chalicelib.pages.language import LANGUAGES
from tests.browser.pages.account_examples import SIX, account_pages
from tests.browser.pages.page_server import Site
from tests.kit.requirement import requirement

OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true })"
HEIGHTS = "[...document.querySelectorAll('.rows > li, .rows > details > summary')].map((one) => one.offsetHeight)"


@requirement("ACC-18")
@pytest.mark.parametrize(("width", "height", "screens"), [(1280, 900, 1.5), (360, 800, 2.5)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_six_connections_of_an_app_fit_into_a_few_screens(
    browser: Browser, site: Site, width: int, height: int, screens: float, language: str
) -> None:
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(f"{site.url}/{language}/account, app".replace("/en/", "/"))
    assert page.locator("details:has(.facts)").count() == len(SIX) == 6
    assert page.evaluate("document.documentElement.scrollHeight") <= screens * height
    page.goto(f"{site.url}/{language}/account".replace("/en/", "/"))
    assert page.evaluate("document.documentElement.scrollHeight") <= screens * height
    page.context.close()


@requirement("ACC-18")
def test_a_row_of_the_list_is_64_pixels_high_on_a_desk(browser: Browser, site: Site) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{site.url}/account")
    heights = page.evaluate(HEIGHTS)
    assert len(heights) == 6 and max(heights) <= 66, heights
    page.context.close()


@requirement("ACC-18", "PAGE-06")
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_nothing_scrolls_sideways_however_much_is_unfolded(browser: Browser, site: Site, language: str) -> None:
    page = browser.new_context(viewport={"width": 320, "height": 800}).new_page()
    for name in account_pages():
        page.goto(f"{site.url}/{language}/{name}".replace("/en/", "/"))
        page.evaluate(OPEN_ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    page.context.close()


@requirement("ACC-17", "ACC-18")
def test_only_the_page_that_asks_has_a_filled_destructive_button(browser: Browser, site: Site) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    filled = """() => [...document.querySelectorAll("button.danger")].map((one) =>
        getComputedStyle(one).backgroundColor !== "rgba(0, 0, 0, 0)")"""
    for name in account_pages():
        page.goto(f"{site.url}/{name}")
        asks = any(word in name for word in ("remove", "disconnect", "erase")) and not name.endswith("disconnected")
        assert page.evaluate(filled) == [True] if asks else not any(page.evaluate(filled)), name
    page.context.close()
