"""A provider's own mark on its button: embedded, decoration, and let in by the policy of that page alone (GEN-23)."""

import base64
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser

from chalicelib.pages.consent import Mark
from chalicelib.pages.display import read_initials, read_letters
from chalicelib.pages.headers import page_headers
from chalicelib.pages.render import render
from chalicelib.providers.catalog import load_catalog
from tests.browser.pages.examples import CHOICE, GITHUB, GOOGLE, SEVERAL, Reader
from tests.kit.requirement import requirement

CATALOG = load_catalog()
SHIPPED = sorted(one for one in CATALOG.ids if CATALOG.get(one).mark.file)


def mark_of(provider_id: str) -> Mark:
    """What the pages get of a provider file."""
    mark = CATALOG.get(provider_id).mark
    return Mark(
        letters=mark.letters,
        image=CATALOG.find_image(provider_id, mark.file),
        dark_image=CATALOG.find_image(provider_id, mark.dark_file),
        tile=mark.tile,
    )


MARKED = replace(SEVERAL, providers=(replace(GITHUB, mark=mark_of("github")), replace(GOOGLE, mark=mark_of("google"))))


@requirement("PAGE-10")
def test_a_mark_is_embedded_decoration_and_has_a_variant_for_a_dark_card() -> None:
    page = Reader(render(MARKED))
    images = page.all("img")
    assert [one["alt"] for one in images] == ["", ""] and len(
        page.all("source", media="(prefers-color-scheme: dark)")
    ) == 1
    for image, provider_id in zip(images, ("github", "google"), strict=True):
        embedded = base64.b64decode(str(image["src"]).removeprefix("data:image/svg+xml;base64,"))
        assert embedded == Path(mark_of(provider_id).image).read_bytes()
    assert all(one["aria-hidden"] == "true" for one in page.all("span") if "mark" in str(one.get("class")).split())
    assert len(page.all("span", **{"class": "mark at on-white mini"})) == 1, "Google's colours need a white ground"


@requirement("PAGE-10", "GEN-23")
def test_the_policy_lets_embedded_images_in_on_such_a_page_alone() -> None:
    assert MARKED.has_images and not SEVERAL.has_images
    policy = {
        has: dict(page_headers(has_form=True, has_images=has))["Content-Security-Policy"] for has in (True, False)
    }
    assert "img-src data:" in policy[True].split("; ") and "img-src" not in policy[False]


@requirement("PAGE-10")
def test_without_a_file_letters_stand_that_differ_within_a_page() -> None:
    assert not Reader(render(CHOICE)).all("img") and "GiContinue with GitHub" in Reader(render(CHOICE)).words
    assert [read_letters(name) for name in ("GitHub", "google", "x", "日本", "…")] == ["Gi", "Go", "X", "日本", "·"]
    assert read_letters("GitLab", ["Gi"]) == "Gt" and read_letters("Xx", ["Xx"]) == "Xx"
    assert [read_initials(name) for name in ("Acme Notes App", "Example", "a - b", "…")] == ["AN", "E", "AB", "·"]


@requirement("PAGE-10")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_mark_is_in_the_middle_of_its_tile(browser: Browser, scheme: Literal["light", "dark"]) -> None:
    page = browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 800}).new_page()
    page.set_content(render(MARKED))
    for tile in page.locator(".mark.at:has(img)").all():
        outer, inner = tile.bounding_box(), tile.locator("img").bounding_box()
        assert outer and inner and inner["width"] == pytest.approx(outer["width"] * 0.64, abs=2)
        for at, size in (("x", "width"), ("y", "height")):
            assert outer[at] + outer[size] / 2 == pytest.approx(inner[at] + inner[size] / 2, abs=1)
    page.context.close()


@requirement("PAGE-10")
@pytest.mark.parametrize("provider_id", SHIPPED)
def test_a_shipped_mark_is_square_small_and_shown(browser: Browser, provider_id: str) -> None:
    mark = mark_of(provider_id)
    assert CATALOG.get(provider_id).mark.terms.startswith("https://")
    page = browser.new_context().new_page()
    for file in filter(None, (mark.image, mark.dark_image)):
        text = Path(file).read_text()
        assert "<script" not in text and "href" not in text and "url(" not in text
        image = base64.b64encode(text.encode()).decode()
        page.set_content(f'<img src="data:image/svg+xml;base64,{image}" alt="">')
        width, height = page.evaluate(
            """async () => { const one = document.querySelector("img"); await one.decode();
            return [one.naturalWidth, one.naturalHeight]; }"""
        )
        assert width == height > 0
    page.context.close()
