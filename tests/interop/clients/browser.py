"""Runs a library in Chromium: one page of another origin for all its flows, and a window for the person."""

import contextlib
import time
from typing import Any

from playwright.sync_api import Error as Closed
from playwright.sync_api import Page

from local.node import install_packages
from tests.interop.clients.node import describe
from tests.interop.clients.scene import Scene
from tests.kit.chromium import chromium

SECONDS = 60
BUTTONS = ("Continue", "Sign in as Alice")
PAGES, SCRIPTS, MODULES = "/pages/", "/js/", "/node_modules/"


def page_of(name: str) -> str:
    """The path of the page at which a library's apps are called back."""
    return f"{PAGES}{name}.html"


def attempt_in_browser(name: str, scene: Scene, flows: list[str]) -> dict[str, str]:
    """By flow: what went wrong, empty where nothing did. Raises NoNode: the packages come by npm."""
    modules = install_packages()
    folder = modules.parent
    scene.helper.pages |= {PAGES: folder / "pages", SCRIPTS: folder / "js", MODULES: modules}
    with chromium() as browser:
        context = browser.new_context()
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.goto(f"{scene.helper.url}{PAGES}app.html")
        told = describe(scene, flows)
        return {flow: _attempt(page, name, flow, told) for flow in flows}


def _attempt(page: Page, name: str, flow: str, told: dict[str, Any]) -> str:
    """What the page says at the end; while it works, the person does what its windows ask."""
    page.evaluate("([name, flow, told]) => begin(name, flow, told)", [name, flow, told])
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until:
            for window in page.context.pages:
                if window is not page:
                    step(window)
            outcome: str | None = page.evaluate("window.outcome")
            if outcome is not None:
                return outcome
            page.wait_for_timeout(20)
    finally:
        for window in page.context.pages:
            if window is not page:
                window.close()
    return "it did not end"


def step(window: Page) -> None:
    """Press what a person would press on the page that shows now; the app closes the window when it has its answer."""
    for button in BUTTONS:
        found = window.get_by_role("button", name=button)
        with contextlib.suppress(Closed):
            if found.count():
                found.click()
                return
