"""The operator's console in Chromium: axe, sizes, schemes, the keyboard, from the link to an explanation."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.console.actions.table import ACTIONS
from cli.console.pages import SECTIONS
from local.node import NoNode, install_packages
from tests.kit.browser_steps import fits
from tests.kit.cli.console_scene import start_scene
from tests.kit.requirement import requirement

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """(only) => axe.run({runOnly: only, resultTypes: ["violations", "incomplete"]}).then((told) =>
    [...told.violations, ...told.incomplete].map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html)}`))"""
SMALL = """() => [...document.querySelectorAll("button, nav a, .button, summary")]
    .filter((one) => Math.min(one.getBoundingClientRect().width, one.getBoundingClientRect().height) < 24)
    .map((one) => one.textContent)"""
OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class Running:
    """A console that was opened once; `state` are the cookies of that browser."""

    base: str
    client_id: str
    state: Any
    complaints: list[str]

    def paths(self) -> list[str]:
        """Every section, and one page of each kind below."""
        below = [
            f"/clients/{self.client_id}",
            "/providers/demo",
            f"/connections/{'c' * 32}",
            "/users/somebody",
            "/refusals/refused-1",
            "/reasons/code_replayed",
        ]
        forms = [f"/actions/{slug}?{_about(slug)}" for slug in ("client-create", "provider-set", "user-erase", "init")]
        sections = [path for path, _ in SECTIONS]
        return [
            *sections,
            *below,
            *forms,
            "/clients/none",
            "/health?run=aws",
            "/actions/client-delete",
            "/no-such-page",
        ]


@pytest.fixture(scope="module")
def console(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Over embedded AWS, with keys, a client and a provider."""
    with start_scene(tmp_path_factory.mktemp("console")) as scene:
        yield open_console(browser, scene.link, scene.client_id)


def _about(slug: str) -> str:
    return urlencode(dict.fromkeys(ACTIONS[slug].about, "demo"))


def open_console(browser: Browser, link: str, client_id: str) -> Running:
    """Open the link, which leads on to the overview by itself."""
    complaints: list[str] = []
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    running = Running(page.url.rstrip("/"), client_id, context.storage_state(), complaints)
    context.close()
    return running


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return (install_packages() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except NoNode as missing:
        pytest.skip(str(missing))


@requirement("CONSOLE-06")
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    console: Running, open_page: OpenPage, axe: str, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    page = open_page(console.base + "/", storage_state=console.state, **options)
    for path in console.paths():
        page.goto(console.base + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        page.evaluate(axe)
        assert page.evaluate(RUN, RULES) == [], (path, width, scheme)
        assert page.evaluate(SMALL) == [], path
        fits(page, width)


@requirement("CONSOLE-06")
def test_letters_of_twice_the_size_fit(console: Running, open_page: OpenPage) -> None:
    page = open_page(console.base + "/", storage_state=console.state, viewport={"width": 640, "height": 800})
    for path in console.paths():
        page.goto(console.base + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        fits(page, 640)


@requirement("CONSOLE-06")
def test_a_reference_is_explained_by_keyboard_alone_without_a_script(console: Running, open_page: OpenPage) -> None:
    page = open_page(console.base + "/refusals", storage_state=console.state, java_script_enabled=False)
    page.get_by_label("Reference or reason").focus()
    page.keyboard.type("refused-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("redirect_uri_not_registered")
    expect(page.get_by_role("heading", name="Expected and received")).to_be_visible()
    assert console.complaints == []


@requirement("CONSOLE-06", "CONSOLE-07", "CONSOLE-09")
def test_a_secret_is_rotated_and_the_app_deleted_by_keyboard_alone(
    console: Running, open_page: OpenPage, axe: str
) -> None:
    options = {"viewport": {"width": 360, "height": 800}, "bypass_csp": True}
    page = open_page(f"{console.base}/clients/{console.client_id}", storage_state=console.state, **options)
    press(page, "Rotate the secret")
    page.get_by_label("Overlap in seconds").press("Enter")
    expect(page.locator(".secret")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    page.evaluate(axe)
    assert page.evaluate(RUN, RULES) == []
    fits(page, 360)
    page.goto(f"{console.base}/connections/{'c' * 32}")
    press(page, "Revoke")
    page.get_by_label("Type yes to go on").fill("yes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        fits(page, width)
    page.goto(f"{console.base}/clients/{console.client_id}")
    press(page, "Delete")
    page.get_by_label("Type yes to go on").fill("no")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("nothing was changed")
    page.get_by_label("Type yes to go on").fill("yes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Done.")
    page.goto(f"{console.base}/clients")
    expect(page.get_by_text("No app is registered yet")).to_be_visible()


def press(page: Page, link: str) -> None:
    """By keyboard."""
    page.get_by_role("link", name=link, exact=True).focus()
    page.keyboard.press("Enter")


@requirement("CONSOLE-02")
def test_another_browser_and_another_page_get_nothing(console: Running, open_page: OpenPage) -> None:
    page = open_page(console.base + "/clients")
    expect(page.get_by_text("Open the link that the terminal printed.")).to_be_visible()
    other = open_page("data:text/html,<iframe></iframe>", storage_state=console.state)
    other.set_content(f'<a href="{console.base}/clients">Clients</a>')
    other.get_by_text("Clients").click()
    expect(other.get_by_text("Open the link that the terminal printed.")).to_be_visible()
