"""A page without tokens in Chromium, as `dev.py recipe bff` runs it: signed in, its API, a provider's, signed out."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from cli.deployment.local_environment import LOCAL
from local.recipe.bff import BffStack, start_bff
from tests.kit.browser_steps import CANCEL, decide, sign_in_at_provider
from tests.kit.requirement import requirement

KEPT = """() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])"""
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def running() -> Iterator[BffStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        found = start_bff()
        yield found
        found.stop()


@pytest.fixture
def page(running: BffStack, open_page: OpenPage) -> Page:
    """In a browser that was never here."""
    return open_page(running.page.url)


def sign_in(page: Page, who: str = "Alice") -> None:
    page.get_by_role("button", name="Sign in").click()
    decide(page)
    sign_in_at_provider(page, who)
    expect(page.locator("#who")).to_contain_text(f"Signed in as {who}")


def session_cookie(page: Page) -> dict[str, object]:
    (found,) = [dict(one) for one in page.context.cookies() if str(one.get("name")).startswith("tb_bff_")]
    return found


@requirement("BFF-01", "BFF-02", "BFF-03", "BFF-07")
def test_a_user_signs_in_works_and_signs_out_and_no_script_sees_a_token(running: BffStack, page: Page) -> None:
    answers: list[str] = []
    page.on("response", lambda got: answers.append(got.text()) if "/bff/" in got.url and got.status < 300 else None)
    expect(page.locator("#who")).to_have_text("Nobody is signed in.")
    sign_in(page)
    page.get_by_label("A task").fill("water the plants")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem")).to_have_text(["water the plants"])
    page.get_by_role("button", name="Read the notes").click()
    expect(page.locator("#notes")).to_contain_text("The notes of alice")
    cookie = session_cookie(page)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    seen = page.evaluate(KEPT) + page.content() + "".join(answers)
    assert len(answers) >= 4 and not re.search(r"eyJ[\w-]{20}|tb_\w+_[\w-]{40}", seen)
    assert page.evaluate("location.pathname + location.search") == "/"
    page.reload()
    expect(page.get_by_role("listitem")).to_have_text(["water the plants"])
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#who")).to_have_text("You are signed out.")
    assert not [one for one in page.context.cookies() if str(one.get("name")).startswith("tb_bff_")]
    page.reload()
    expect(page.locator("#who")).to_have_text("Nobody is signed in.")


@requirement("BFF-05", "BFF-06")
def test_another_user_gets_another_session_and_one_that_ended_is_told(running: BffStack, page: Page) -> None:
    sign_in(page, "Bob")
    expect(page.get_by_role("listitem")).to_have_count(0)
    page.evaluate("window.before = 1")
    page.context.clear_cookies(name=re.compile("^tb_bff_"))  # while the page stays open
    page.get_by_role("button", name="Read the notes").click()
    expect(page.locator("#who")).to_have_text("Your session has expired.")
    assert page.evaluate("window.before") == 1
    page.get_by_role("button", name="Sign in").click()
    decide(page, CANCEL)
    expect(page.locator("#who")).to_have_text("You declined.")


@requirement("BFF-02")
def test_a_page_of_another_origin_can_neither_call_nor_read(running: BffStack, page: Page) -> None:
    """Another port of the same host is the same site, so the cookie goes along: the origin is what stops it."""
    sign_in(page)
    strange = page.context.new_page()
    strange.route("**/strange", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    strange.goto("http://127.0.0.1:1/strange")
    base = f"{running.demo.broker.issuer}/bff/{running.page.config['client_id']}"
    call = """async ([url, headers]) => {
        try { return (await fetch(url, { credentials: "include", headers })).status } catch { return "refused" }
    }"""
    assert strange.evaluate(call, [f"{base}/session", {"Broker-Bff": "1"}]) == "refused"
    assert strange.evaluate(call, [f"{base}/session", {}]) == "refused"
    page.reload()
    expect(page.locator("#who")).to_contain_text("Signed in as Alice")


@requirement("BFF-09")
def test_a_browser_that_drops_its_cookies_is_told_and_led_back(running: BffStack, page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    decide(page)
    expect(page.get_by_role("button", name="Sign in as Alice")).to_be_visible()
    page.context.clear_cookies()
    sign_in_at_provider(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("We couldn’t match this sign-in to your browser")
    page.get_by_role("link").first.click()
    page.wait_for_url(f"{running.page.url}/")
    expect(page.locator("#who")).to_contain_text("This browser stores no cookies")
