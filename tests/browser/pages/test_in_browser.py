"""The pages in Chromium, under their own headers: the policy holds, Allow arms itself, nothing is cut off."""

from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser

from chalicelib.pages.consent import ScopeLine
from chalicelib.pages.render import render
from tests.browser.pages.examples import CHOICE, GITHUB, GOOGLE, IMPLIED, READ, UNVERIFIED, WRITE, every_page
from tests.browser.pages.page_server import Site
from tests.kit.requirement import requirement

LONG = replace(CHOICE, client_name="x" * 80, client_host="a" * 60 + ".example", providers=(GITHUB, GOOGLE))


def _open(browser: Browser, url: str, **options: Any) -> Any:
    page = browser.new_context(**options).new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(url)
    return page


@pytest.fixture(scope="module", autouse=True)
def long_names(site: Site) -> None:
    """A page whose names are as long as they can be."""
    site.pages["long"] = render(LONG)


@requirement("GEN-23")
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_fit_and_keep_their_own_policy(browser: Browser, site: Site, width: int) -> None:
    page = _open(browser, f"{site.url}/choice", viewport={"width": width, "height": 800})
    for name in (name for name in site.pages if "/" not in name):
        page.goto(f"{site.url}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    # On a phone the card is the page.
    card, ground = ("rgb(255, 255, 255)", "rgb(20, 28, 26)"), ("rgb(240, 243, 242)", "rgb(11, 17, 16)")
    for mode, colour in zip(("light", "dark"), card if width == 320 else ground, strict=True):
        page.emulate_media(color_scheme=mode)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
    assert page.complaints == []
    page.context.close()


# Letters of one word of ours on two lines; names of strangers and values of the log may be longer than any line.
BROKEN = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  const broken = [];
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (text.parentElement.closest("bdi, code, style, option")) continue;
    for (const word of text.data.matchAll(/[\\p{L}\\p{M}]{2,}/gu)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((part) => Math.round(part.top)));
      if (lines.size > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""


@requirement("PAGE-02")
@pytest.mark.parametrize("language", ["en", "de", "es", "ar"])
def test_no_word_of_ours_is_broken_on_a_phone(browser: Browser, site: Site, language: str) -> None:
    page = _open(browser, f"{site.url}/choice", viewport={"width": 360, "height": 800})
    # German has the longest words: there the notices too, whose words are all that differs among them.
    for name in (name for name in every_page() if language == "de" or not name.startswith("error-")):
        page.goto(f"{site.url}/{language}/{name}".replace("/en/", "/"))
        assert page.evaluate(BROKEN) == [], name
    page.context.close()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_allow_arms_itself_half_a_second_after_the_page_shows(browser: Browser, site: Site, motion: Any) -> None:
    page = _open(browser, f"{site.url}/choice", reduced_motion=motion)
    allow = page.locator("button.arm")
    before, after = allow.evaluate(
        """async (button) => {
            const [arming] = button.getAnimations();
            arming.pause();
            const at = (time) => { arming.currentTime = time; return getComputedStyle(button).pointerEvents; };
            return [[0, 250, 499].map(at), [500, 600].map(at)];
        }"""
    )
    assert before == ["none"] * 3 and after == ["auto"] * 2
    assert page.get_by_role("button", name="Cancel").evaluate("button => button.getAnimations().length") == 0
    page.context.close()


@requirement("CONS-06")
def test_the_two_buttons_are_of_one_size(browser: Browser, site: Site) -> None:
    for width in (360, 1280):
        page = _open(browser, f"{site.url}/choice", viewport={"width": width, "height": 800})
        cancel, allow = (page.locator(f"button[value={name}]").bounding_box() for name in ("deny", "allow"))
        assert (cancel["width"], cancel["height"], cancel["x"]) == pytest.approx(
            (allow["width"], allow["height"], allow["x"]), abs=1
        )
        assert cancel["height"] >= 44
        page.context.close()


THREE = replace(
    CHOICE,
    own_scopes=(ScopeLine(name="openid", is_ours=True), ScopeLine(name="profile", is_ours=True)),
    provider_scopes={"github": (READ, WRITE)},
)
FITTING = {
    "one provider": THREE,
    "a stranger": replace(UNVERIFIED, own_scopes=THREE.own_scopes, provider_scopes=THREE.provider_scopes),
    "several": replace(THREE, providers=(GITHUB, GOOGLE), provider_scopes={"github": (READ, WRITE)}),
    "an own app": IMPLIED,
}


@requirement("PAGE-09")
@pytest.mark.parametrize("name", FITTING)
def test_every_button_of_up_to_three_scopes_is_on_the_first_screen_of_a_phone(
    browser: Browser, site: Site, name: str
) -> None:
    site.pages["fitting"] = render(FITTING[name])
    page = _open(browser, f"{site.url}/fitting", viewport={"width": 360, "height": 800})
    ends = [one.bounding_box()["y"] + one.bounding_box()["height"] for one in page.locator("button").all()]
    assert max(ends) <= 800, ends
    page.context.close()


def test_without_javascript_the_decision_is_sent_and_leads_on(browser: Browser, site: Site) -> None:
    page = _open(browser, f"{site.url}/long", java_script_enabled=False)
    page.get_by_label("see your email address").uncheck()
    page.get_by_role("button", name="Continue with Google").click()
    page.wait_for_url("**/elsewhere")
    assert page.url.startswith("http://localhost:")
    assert site.posted.pop() == "request=sealed&scope=github%3Agist&provider=google"
    page.context.close()


def test_what_a_provider_adds_unfolds_below_its_button(browser: Browser, site: Site) -> None:
    page = _open(browser, f"{site.url}/long", java_script_enabled=False)
    assert page.get_by_text("change your repositories").first.is_visible()
    assert not page.get_by_label("create gists").is_visible()
    page.get_by_text("Also: read your profile").click()
    page.get_by_label("create gists").uncheck()
    page.get_by_role("button", name="Continue with GitHub").click()
    page.wait_for_url("**/elsewhere")
    assert site.posted.pop() == "request=sealed&scope=email&provider=github"
    page.context.close()


def test_the_keyboard_shows_where_it_is(browser: Browser, site: Site) -> None:
    page = _open(browser, f"{site.url}/long")
    for _ in range(8):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """() => {
                const at = document.activeElement;
                return [at.tagName, parseFloat(getComputedStyle(at).outlineWidth)];
            }"""
        )
        assert outline[0] == "BODY" or outline[1] >= 2
    page.context.close()
