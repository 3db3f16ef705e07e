"""A demo to sign in at, Chromium, and the pages of the recipes in it."""

import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from cli.deployment.local_environment import LOCAL
from local.demo.backend import Behind, start_behind
from local.node import NoNode
from local.recipe.recipe import serve
from tests.kit.chromium import SECONDS, chromium

# Headless Chromium says of every window that it has the focus; where the user's attention is has to be played.
ELSEWHERE = "window.attention = false; document.hasFocus = () => window.attention"


@pytest.fixture(scope="module")  # only one Playwright may be open in a process
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def demo() -> Iterator[Behind]:
    """Broker and two providers, which do well until a test says otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LOCAL.items():
            patch.setenv(name, value)
        running = start_behind(io.StringIO(), free_ports=True, settings={"device_poll_seconds": "1"})
        yield running
        running.stop()


@pytest.fixture(scope="module")
def open_recipe(browser: Browser, demo: Behind) -> Iterator[Callable[[str], Page]]:
    """The page of a recipe, in a browser that was never here; it steps aside, and says so, where npm is missing."""
    ends: list[Callable[[], None]] = []

    def open_it(name: str) -> Page:
        try:
            server = serve(name, demo)
        except NoNode as missing:
            pytest.skip(str(missing))
        context = browser.new_context()
        context.set_default_timeout(SECONDS * 1000)
        context.add_init_script(ELSEWHERE)
        ends.extend((context.close, server.stop))
        page = context.new_page()
        page.goto(server.url)
        return page

    yield open_it
    for end in ends:
        end()
