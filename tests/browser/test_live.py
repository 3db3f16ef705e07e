"""The live view beside the demo app, in Chromium: it draws itself, opens, and stops with the demo."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.node import NoNode, install_packages
from tests.kit import ROOT
from tests.kit.browser_steps import fits, read, sign_in
from tests.kit.chromium import SECONDS
from tests.kit.requirement import requirement

OpenPage = Callable[..., Page]
Demo = dict[str, Any]


@pytest.fixture(scope="module")
def process(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A demo of this file's own."""
    command = [sys.executable, "dev.py", "demo", "--json"]
    environ = {**os.environ, "TOKEN_BROKER_STATE": str(tmp_path_factory.mktemp("state"))}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.terminate()
        running.wait(timeout=20)


@pytest.fixture(scope="module")
def demo(process: subprocess.Popen[str]) -> Demo:
    """Its places."""
    assert process.stdout
    places: Demo = json.loads(process.stdout.readline())
    return places


@pytest.fixture(scope="module")
def signed_in(demo: Demo, browser: Browser) -> Iterator[Page]:
    """The live view after one sign-in in another window, whose page it watched."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    live, app = context.new_page(), context.new_page()
    live.goto(demo["live"])
    expect(live.locator("#state")).to_have_text("Watching")
    app.goto(demo["app"])
    expect(app.locator("#live")).to_have_attribute("href", demo["live"])
    sign_in(app)
    read(app)
    live.bring_to_front()
    yield live
    context.close()


@requirement("LIVE-06")
def test_it_draws_itself_while_one_clicks_through(signed_in: Page) -> None:
    titles = signed_in.locator(".ask .title")
    expect(titles.filter(has_text="The provider's API is called")).to_be_visible()
    drawn = titles.all_inner_texts()
    way = [
        "The app is opened",
        "The app asks, through the browser",
        "The user decides",
        "The browser goes to the provider",
    ]
    way += [
        "The provider's answer reaches the broker",
        "The broker redeems the provider's code",
        "The app redeems its code",
    ]
    assert [title for title in drawn if title in way] == way
    # The call of the API is the last request; its answer may still be on its way to this page.
    expect(signed_in.locator(".back"), "each request has its answer").to_have_count(titles.count())
    expect(signed_in.locator(".failed")).to_have_count(0)


@requirement("LIVE-01", "LIVE-03", "LIVE-04", "LIVE-05")
def test_an_arrow_opens_by_keyboard(signed_in: Page) -> None:
    signed_in.locator(".arrow").first.focus()
    signed_in.keyboard.press("End")
    signed_in.keyboard.press("ArrowUp")
    target = signed_in.locator(".arrow.ask", has_text="The app redeems its code")
    while signed_in.evaluate("document.activeElement.dataset.number") != target.get_attribute("data-number"):
        signed_in.keyboard.press("ArrowUp")
    signed_in.keyboard.press("Enter")
    details = signed_in.locator("#details")
    expect(details.get_by_role("heading", level=2)).to_contain_text("The app redeems its code")
    expect(details).to_contain_text("Protects from a stolen code")
    expect(details.get_by_role("link", name="RFC 7636 section 4.5")).to_be_visible()
    expect(details.locator(".token .verdict.good")).to_have_count(2)
    expect(details.locator(".stored")).to_contain_text("KMS Decrypt")
    _play_with_pkce(signed_in)
    signed_in.keyboard.press("Escape")
    expect(details).to_contain_text("Open an arrow")
    expect(target).to_be_focused()


def _play_with_pkce(page: Page) -> None:
    """The browser computes the challenge again; a letter more and nothing fits."""
    verdict, verifier = page.locator(".pkce .verdict"), page.locator(".pkce input")
    expect(verdict, "the browser has computed it").to_contain_text("The very challenge")
    before = page.locator(".pkce code").all_inner_texts()
    verifier.focus()
    page.keyboard.press("End")
    page.keyboard.type("x")
    expect(verdict).to_contain_text("No request here")
    page.keyboard.press("Backspace")
    expect(verdict).to_contain_text("The very challenge")
    expect(page.locator(".pkce code")).to_have_text(before)


@requirement("LIVE-09")
def test_axe_finds_nothing_in_it(demo: Demo, signed_in: Page, open_page: OpenPage) -> None:
    page = open_page(demo["live"], reduced_motion="reduce", bypass_csp=True)
    try:
        axe = install_packages() / "axe-core" / "axe.min.js"
    except NoNode as missing:
        pytest.skip(str(missing))
    page.add_script_tag(path=axe)
    page.get_by_role("button", name="Change the redirect").click()
    expect(page.locator(".refusal .not")).to_be_visible()
    assert _faults(page) == []
    page.locator(".arrow.ask", has_text="The app redeems its code").first.click()
    expect(page.locator(".token").first).to_be_visible()
    page.evaluate("for (const folded of document.querySelectorAll('#details details')) folded.open = true")
    assert _faults(page) == []


def _faults(page: Page) -> list[Any]:
    """What axe finds, light and dark."""
    found: list[Any] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        violations = page.evaluate("async () => (await axe.run()).violations")
        found += [(scheme, one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
    return found


@requirement("LIVE-09")
def test_the_first_tab_leads_past_the_tools_to_the_diagram(demo: Demo, signed_in: Page, open_page: OpenPage) -> None:
    page = open_page(demo["live"])
    expect(page.locator(".arrow").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the diagram")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the diagram")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".arrow").first).to_be_focused()


@requirement("LIVE-09")
def test_in_forced_colours_the_arrows_are_arrows_and_what_is_open_has_an_edge(
    demo: Demo, signed_in: Page, open_page: OpenPage
) -> None:
    page = open_page(demo["live"], viewport={"width": 1280, "height": 900}, forced_colors="active")
    page.locator(".arrow.ask", has_text="The app redeems its code").first.click()
    style = "(one, name) => getComputedStyle(one, name[0])[name[1]]"

    def told(selector: str, name: str, part: str | None = None) -> str:
        return str(page.locator(selector).first.evaluate(style, [part, name]))

    assert "gradient" in told("#diagram", "backgroundImage"), "the lifelines"
    assert told(".ask .line", "borderTopColor", "::after") == "rgba(0, 0, 0, 0)", "the head is no square"
    assert told(".arrow[aria-expanded='true']", "outlineStyle") == "solid"
    assert told(".lane", "borderTopStyle") == told(".verdict", "borderTopStyle") == "solid"
    told_apart = {told("#state", "backgroundColor", "::before")}
    page.locator("#state").evaluate("one => one.classList.remove('on')")
    assert told("#state", "backgroundColor", "::before") not in told_apart


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(demo: Demo, signed_in: Page, open_page: OpenPage, scheme: str) -> None:
    page = open_page(demo["live"], viewport={"width": 360, "height": 780}, color_scheme=scheme, reduced_motion="reduce")
    page.locator(".arrow.ask", has_text="The user decides").click()
    expect(page.locator("#details article")).to_be_visible()
    fits(page, 360)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.documentElement.scrollHeight") == 800, "only its parts scroll"
    assert page.locator(".line").first.evaluate("line => getComputedStyle(line).animationName") == "none"
    page.get_by_role("button", name="Close").click()
    page.set_viewport_size({"width": 360, "height": 780})
    fits(page, 360)


@requirement("LIVE-08")
def test_each_thing_is_broken_and_the_check_that_stopped_it_is_shown(demo: Demo, open_page: OpenPage) -> None:
    page = open_page(demo["live"], viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    seen = []
    buttons = page.locator("#attacks button")
    expect(buttons, "the page's script has made them").to_have_count(6)
    for button in buttons.all():
        name = button.inner_text()
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".heading").last).to_have_text(f"Broken: {name}")
        expect(button).to_be_enabled()
        expect(button).to_be_focused()
        stopped = page.locator("#details .checks .not")
        expect(stopped).to_have_count(1)
        number = (page.locator("#outcome button").inner_text()).rpartition(" ")[2]
        expect(page.locator(f".back.failed[data-number='{number}']").first).to_be_in_viewport()
        expect(page.locator("#details h2")).to_contain_text(f"{number}. ")
        expect(page.locator("#details h2")).to_be_in_viewport()
        # In one step: the details may be drawn again while a locator waits for its element to be stable.
        page.locator("#details .side").last.evaluate("side => side.scrollIntoView()")
        seen.append(stopped.inner_text())
    assert len(set(seen)) == 6


@requirement("LIVE-02", "LIVE-06")
def test_it_is_saved_as_one_file_as_mermaid_and_as_curl(
    demo: Demo, signed_in: Page, open_page: OpenPage, tmp_path: Path
) -> None:
    for item in ("One HTML file", "Mermaid", "curl"):
        signed_in.locator("#export summary").click()
        with signed_in.expect_download() as saved:
            signed_in.locator("#export").get_by_text(item).click()
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
    text = (tmp_path / "sign-in.html").read_text("utf-8")
    assert "<script" not in text and "src=" not in text and "@import" not in text
    page = open_page((tmp_path / "sign-in.html").as_uri(), java_script_enabled=False)
    page.locator("a.arrow", has_text="The app redeems its code").first.click()
    expect(page.locator("article:target")).to_contain_text("PKCE, computed")
    assert page.locator("a.arrow").count() == signed_in.locator(".arrow").count()
    mermaid = (tmp_path / "sign-in.mmd").read_text("utf-8")
    assert mermaid.startswith("sequenceDiagram\n") and "browser->>broker: GET /authorize" in mermaid
    assert 'code_verifier=$CODE_VERIFIER"' in (tmp_path / "sign-in.sh").read_text("utf-8")


def test_cleared_it_begins_anew(demo: Demo, open_page: OpenPage, signed_in: Page) -> None:
    page = open_page(demo["live"])
    expect(page.locator(".arrow").first).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator(".arrow")).to_have_count(0)


@requirement("LIVE-07")
def test_the_demo_ends_at_ctrl_c_while_a_page_follows(process: subprocess.Popen[str], signed_in: Page) -> None:
    """The last of this file: the demo that all of it uses ends here."""
    expect(signed_in.locator("#state")).to_have_text("Watching")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    assert process.stderr and process.stderr.read() == ""
    expect(signed_in.locator("#state")).to_contain_text("does not answer")
