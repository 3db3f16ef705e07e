"""WCAG 2.2 AA: axe finds nothing on any page in any language, light or dark; keyboard, zoom and forced colours do."""

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from chalicelib.pages.language import LANGUAGES
from local.node import NoNode, install_packages
from tests.browser.pages.examples import every_page
from tests.browser.pages.page_server import Site
from tests.kit.requirement import requirement

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """(only) => axe.run({runOnly: only, resultTypes: ["violations", "incomplete"]}).then((told) =>
    [...told.violations, ...told.incomplete].map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html)}`))"""
PAGES = {language: list(every_page()) for language in LANGUAGES}
# Texts wider than their place, and targets that a finger misses (2.5.8).
WIDE = """() => [document.documentElement, ...document.querySelectorAll("h1, h2, h3, p, dt, dd, li, label, button, a")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
    .map((one) => `${innerWidth}: ${one.textContent.slice(0, 60)}`)"""
SMALL = """() => [...document.querySelectorAll("button, a:not(p a), label:has(input), summary")]
    .filter((one) => Math.min(one.getBoundingClientRect().width, one.getBoundingClientRect().height) < 24)
    .map((one) => one.textContent)"""


class Look(NamedTuple):
    """What is wrong with one page in one language."""

    axe: list[str]
    wide: list[str]
    small: list[str]


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    try:
        return (install_packages() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except NoNode as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def looks(browser: Browser, site: Site, axe: str) -> dict[str, Look]:
    """Every page in every language, looked at once, each written into one document: axe is read a single time."""
    page = browser.new_context().new_page()
    page.goto(site.url)
    page.evaluate(axe)
    paths = [path_of(language, name) for language, names in PAGES.items() for name in names]
    return {path: look_at(page, site.pages[path[1:]]) for path in paths}


def path_of(language: str, name: str) -> str:
    """Where the site has this page."""
    return f"/{language}/{name}".replace("/en/", "/")


def look_at(page: Page, html: str) -> Look:
    """In both schemes; then narrow, and with letters of twice the size."""
    page.set_viewport_size({"width": 1000, "height": 800})
    page.emulate_media(color_scheme="light")
    page.set_content(html)
    faults = page.evaluate(RUN, RULES)
    page.emulate_media(color_scheme="dark")
    faults += page.evaluate(RUN, ["color-contrast", "link-in-text-block"])
    page.set_viewport_size({"width": 320, "height": 800})
    wide, small = page.evaluate(WIDE), page.evaluate(SMALL)
    page.set_viewport_size({"width": 640, "height": 800})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    return Look(axe=faults, wide=wide + page.evaluate(WIDE), small=small)


@requirement("PAGE-05")
def test_axe_finds_nothing_on_any_page_in_any_language_in_light_and_dark(looks: dict[str, Look]) -> None:
    assert len(looks) > 100 and not {path: look.axe for path, look in looks.items() if look.axe}


@requirement("PAGE-05")
def test_axe_would_find_a_fault(browser: Browser, site: Site, axe: str) -> None:
    page = browser.new_context(color_scheme="light").new_page()
    page.goto(f"{site.url}/choice")
    page.evaluate("document.documentElement.style.setProperty('--quiet', '#bbbbbb')")
    page.evaluate(axe)
    assert any(fault.startswith("color-contrast") for fault in page.evaluate(RUN, RULES))
    page.context.close()


@requirement("PAGE-06")
def test_nothing_scrolls_sideways_or_is_cut_off_at_320_pixels_nor_at_twice_the_size(looks: dict[str, Look]) -> None:
    assert not {path: look.wide for path, look in looks.items() if look.wide}


@requirement("PAGE-06")
def test_every_target_of_a_finger_is_at_least_24_pixels(looks: dict[str, Look]) -> None:
    assert not {path: look.small for path, look in looks.items() if look.small}


@requirement("PAGE-06")
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_keyboard_alone_decides(browser: Browser, site: Site, language: str) -> None:
    page = browser.new_context().new_page()
    page.goto(site.url + path_of(language, "choice of several"))
    seen: list[Any] = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("[document.activeElement.type, document.activeElement.value]"))
    assert seen[:3] == [["checkbox", "email"], ["checkbox", "in_a_day"], ["submit", "github"]]
    assert seen[4:] == [["submit", "google"], ["submit", "deny"]]
    page.locator("[value=in_a_day]").focus()
    page.keyboard.press("Space")
    google = page.locator("[value=google]")
    google.focus()
    google.evaluate("button => Promise.all(button.getAnimations().map((one) => one.finished))")
    page.keyboard.press("Enter")
    page.wait_for_url("**/elsewhere")
    assert site.posted.pop() == "request=sealed&scope=email&ends=in_a_day&scope=github%3Agist&provider=google"
    page.context.close()


@requirement("PAGE-06")
def test_in_forced_colours_what_is_pressed_chosen_or_focused_has_an_edge(browser: Browser, site: Site) -> None:
    page = browser.new_context(forced_colors="active").new_page()
    for name in ("choice of several", "device", "sign out", "partial", "error-csrf"):
        page.goto(f"{site.url}/{name}")
        edges = page.evaluate(
            """() => [...document.querySelectorAll("button, .button, input[type=text], .tag")]
                .map((one) => getComputedStyle(one))
                .map((style) => [parseFloat(style.borderTopWidth), style.borderTopStyle])"""
        )
        assert edges and all(width >= 1 and style == "solid" for width, style in edges), name
    page.context.close()


@requirement("PAGE-06")
def test_nothing_moves_for_who_wants_no_motion(browser: Browser, site: Site) -> None:
    page = browser.new_context(reduced_motion="reduce").new_page()
    moving = """() => document.getAnimations().flatMap((one) => one.effect.getKeyframes())
        .flatMap((frame) => Object.keys(frame)).filter((name) =>
            !["offset", "easing", "composite", "computedOffset", "pointerEvents"].includes(name))"""
    for name in ("choice", "device", "partial", "error-waiting"):
        page.goto(f"{site.url}/{name}")
        assert page.evaluate(moving) == []
    page.context.close()
