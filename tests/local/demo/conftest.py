"""The demo app in Chromium, with a broker played by the test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from local.demo.app_server import DemoServer, start
from tests.kit.chromium import chromium
from tests.local.demo.played import ISSUER, PlayedBroker


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    notes = {"id": "demo", "name": "Demo Notes", "api": f"{ISSUER}/api", "things": "notes", "scope": "notes:read"}
    config = {"issuer": ISSUER, "client_id": "app", "providers": [notes]}
    running = start(0, config, "localhost")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def broker() -> PlayedBroker:
    return PlayedBroker()


@pytest.fixture
def page(browser: Browser, server: DemoServer, broker: PlayedBroker) -> Iterator[Page]:
    context = browser.new_context()
    context.route(f"{ISSUER}/**", broker)
    opened = context.new_page()
    opened.goto(server.url)
    yield opened
    context.close()
