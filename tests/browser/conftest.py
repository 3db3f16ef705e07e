"""The demo in a process of its own, and Chromium in front of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.kit import ROOT
from tests.kit.chromium import SECONDS, chromium
from tests.kit.http.fixtures import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]


@pytest.fixture(scope="module")  # only one Playwright may be open in a process, and other modules have theirs
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `dev.py demo --json` says when it is ready: issuer, app, provider; and `state`, its folder."""
    command = [sys.executable, "dev.py", "demo", "--json"]
    state = str(tmp_path_factory.mktemp("state"))
    environ = {**os.environ, "TOKEN_BROKER_STATE": state}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            places: dict[str, Any] = json.loads(process.stdout.readline())
            assert places["ready"] is True
            yield {**places, "state": state}
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page in a context of its own: `open_page(url, java_script_enabled=False, ...)`."""
    contexts = []

    def open_it(url: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_it
    for context in contexts:
        context.close()
