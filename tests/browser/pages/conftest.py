"""The pages behind a small server of their own, under their own headers, and one Chromium for each file of tests."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from chalicelib.pages.language import LANGUAGES
from chalicelib.pages.render import render
from tests.browser.pages.examples import every_page
from tests.browser.pages.page_server import Handler, Site
from tests.kit.chromium import chromium


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), Handler)
    # A page that goes on by itself cannot be looked at: here it stays. Under its name alone it is in English.
    server.pages = {
        f"{language}/{name}".removeprefix("en/"): render(page, language).replace('http-equiv="refresh"', 'name="stay"')
        for name, page in every_page().items()
        for language in LANGUAGES
    }
    server.posted = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found
