"""`dev.py demo --provider github`, clicked through in Chromium."""

import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import find_simulated
from tests.kit.browser_steps import card_of, decide, read, sign_in_at_provider
from tests.kit.requirement import requirement


@pytest.fixture(scope="module")
def stack() -> Iterator[DemoStack]:
    running = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, find_simulated(["github", "google"])))
    yield running
    running.stop()


@requirement("RUN-11")
def test_alice_signs_in_with_github_and_sees_her_account(stack: DemoStack, open_page: Callable[..., Page]) -> None:
    page = open_page(stack.app.url)
    visited: list[str] = []
    page.on("request", lambda request: visited.append(request.url))
    page.locator("#sign-in:enabled").click()
    for name in ("GitHub", "Google"):
        expect(page.get_by_text(name).first).to_be_visible()
    decide(page, "Continue with GitHub")
    expect(page.get_by_role("heading", name="Sign in to GitHub")).to_be_visible()
    sign_in_at_provider(page)
    expect(page.locator("#account-name")).to_contain_text("Alice")
    expect(read(page, provider="github")).to_contain_text("alice")
    read(page, "proxy", "github")
    expect(card_of(page, "google").locator(".count")).to_have_text("not connected")
    assert all(url.startswith(("http://127.0.0.", "http://localhost:")) for url in visited)
