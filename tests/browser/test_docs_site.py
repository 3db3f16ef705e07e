"""The documentation site in Chromium: search, tabs, copy buttons, versions, schemes; and no request to another host."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from local.docs_site.command import build_version
from local.docs_site.versions import write_list
from local.node import NoNode, install_packages
from tests.kit import ROOT
from tests.kit.requirement import requirement

OpenPage = Callable[..., Page]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """(only) => axe.run({runOnly: only, resultTypes: ["violations"]}).then((told) =>
    told.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html)}`))"""


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The served site, with an older version beside it."""
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "dev.py", "docs", "--serve", "--port", "0", "--out", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.match(r"(http://127\.0\.0\.1:\d+)/", process.stdout.readline())
            assert found
            (folder / "0.0.1").symlink_to(folder / "dev")
            write_list(folder)
            yield found[1]
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


@pytest.fixture
def visited(open_page: OpenPage, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page of the site; afterwards nothing was requested elsewhere, and nothing was missing."""
    seen: list[tuple[str, int]] = []

    def visit(name: str, **options: object) -> Page:
        page = open_page("about:blank", **options)
        page.on("response", lambda response: seen.append((response.url, response.status)))
        page.on("requestfailed", lambda request: seen.append((request.url, 0)))
        page.goto(f"{address}/{name}")
        return page

    yield visit
    assert seen
    assert [url for url, _ in seen if urlsplit(url).scheme != "data" and not url.startswith(address + "/")] == []
    assert [(url, status) for url, status in seen if status >= 400] == []


@requirement("DOC-11")
def test_a_search_finds_a_page(visited: Callable[..., Page]) -> None:
    page = visited("dev/index.html")
    page.get_by_role("textbox", name="Search").fill("exactly once refreshing")
    found = page.locator(".md-search-result__link").filter(has_text="How exactly-once refreshing works").first
    expect(found).to_be_visible()
    found.click()
    page.wait_for_url(re.compile(r"/dev/vault\.html"))


@requirement("DOC-11")
def test_a_language_that_is_chosen_once_stays_on_other_pages(visited: Callable[..., Page]) -> None:
    page = visited("dev/hand-out.html")
    tabs = page.locator(".tabbed-set").first
    expect(tabs.locator("code").nth(0)).to_be_visible()
    tabs.get_by_text("Python", exact=True).click()
    expect(tabs.get_by_text("client.token")).to_be_visible()
    expect(tabs.get_by_text("await fetch")).to_be_hidden()
    page.goto(page.url.replace("hand-out", "proxy"))
    expect(page.locator(".tabbed-set").first.get_by_text("client.call")).to_be_visible()


@requirement("DOC-11")
def test_a_block_of_code_can_be_copied(visited: Callable[..., Page]) -> None:
    page = visited("dev/sign-in-with-github.html", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".md-typeset .highlight").first.hover()
    page.get_by_role("button", name="Copy").first.click()
    page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).trim() === 'python3 dev.py demo --provider github'"
    )


@requirement("DOC-11")
def test_the_root_leads_to_the_newest_release_and_the_menu_to_the_same_page_of_another(
    visited: Callable[..., Page],
) -> None:
    page = visited("")
    page.wait_for_url(re.compile(r"/0\.0\.1/index\.html"))
    page.goto(page.url.replace("index", "vault"))
    page.get_by_role("button", name="Version 0.0.1").focus()
    page.get_by_role("link", name="dev", exact=True).click()
    page.wait_for_url(re.compile(r"/dev/vault\.html"))


@requirement("DOC-11")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_follows_the_readers_scheme_and_can_be_told_another(visited: Callable[..., Page], scheme: str) -> None:
    page = visited("dev/index.html", color_scheme=scheme)
    body = page.locator("body")
    names = {"light": "default", "dark": "slate"}
    expect(body).to_have_attribute("data-md-color-scheme", names[scheme])
    page.locator("label[title='Use light colours']").click()
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    page.locator("label[title='Use dark colours']").click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")


@requirement("DOC-11")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "hand-out", "errors"])
def test_axe_finds_nothing(visited: Callable[..., Page], name: str, scheme: str) -> None:
    try:
        axe = (install_packages() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except NoNode as missing:
        pytest.skip(str(missing))
    page = visited(f"dev/{name}.html", color_scheme=scheme)
    expect(page.locator("h1")).to_be_visible()
    page.evaluate(axe)
    assert page.evaluate(RUN, RULES) == []


@requirement("DOC-11")
@pytest.mark.parametrize("name", ["index", "vault", "deploy", "client-libraries"])
def test_a_page_fits_on_a_phone(visited: Callable[..., Page], name: str) -> None:
    page = visited(f"dev/{name}.html", viewport={"width": 360, "height": 800})
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@requirement("DOC-11")
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (read_all(build_version(tmp_path / name, "dev").parent) for name in ("one", "two"))
    assert first == second and "dev/index.html" in first
    assert json.loads(first["versions.json"]) == [{"version": "dev", "title": "dev", "aliases": []}]


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
