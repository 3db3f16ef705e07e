"""A sign-in by a code: `dev.py device` in a terminal, its user with a phone."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cli.deployment.local_environment import use_local_credentials
from tests.kit import ROOT
from tests.kit.browser_steps import decide, fits, sign_in_at_provider
from tests.kit.requirement import requirement

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
Terminal = subprocess.Popen[str]


@pytest.fixture
def terminal(demo: dict[str, Any]) -> Iterator[Terminal]:
    """The command, at the demo of this test."""
    (running,) = Path(demo["state"], "running").glob("*.json")
    stack = json.loads(running.read_text())
    place = {"BROKER_ISSUER": stack["issuer"], "BROKER_ENDPOINT_URL": stack["endpoint_url"]}
    environ = {**os.environ, **stack["settings"], **place}
    use_local_credentials(environ)
    command = [sys.executable, "dev.py", "device", "--issuer", demo["issuer"]]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def read_until(terminal: Terminal, pattern: str) -> re.Match[str]:
    """What it prints, up to a line like this."""
    assert terminal.stdout
    shown = ""
    for line in terminal.stdout:
        shown += line
        if found := re.search(pattern, line):
            return found
    raise AssertionError(shown)


def type_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code.lower().replace("-", " "))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="continue with").first).to_be_visible()


@requirement("DEV-01", "DEV-06")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_terminal_gets_its_tokens_by_a_phone(terminal: Terminal, open_page: Callable[..., Page], scheme: str) -> None:
    place = read_until(terminal, r"open +(http\S+/device) ")[1]
    code = read_until(terminal, "code +([A-Z]{4}-[A-Z]{4})")[1]
    page = open_page(place, color_scheme=scheme, **PHONE)
    fits(page, 390)
    type_code(page, code)
    fits(page, 390)
    expect(page.get_by_text(code)).to_be_visible()
    expect(page.get_by_text("Did someone send you this code?")).to_be_visible()
    decide(page, "It matches: continue with Demo Notes")
    sign_in_at_provider(page)
    expect(page.get_by_role("heading", name="You’re signed in on your device")).to_be_visible()
    fits(page, 390)
    assert "Alice" in read_until(terminal, "Signed in as (.*)")[1]
    assert terminal.wait(20) == 0


@requirement("DEV-06")
def test_the_address_with_the_code_shows_it_and_a_no_reaches_the_terminal(
    terminal: Terminal, open_page: Callable[..., Page]
) -> None:
    code = read_until(terminal, "code +([A-Z]{4}-[A-Z]{4})")[1]
    page = open_page(read_until(terminal, r"or open +(\S+)")[1], java_script_enabled=False, **PHONE)
    expect(page.get_by_label("Code")).to_have_value(code)
    expect(page.get_by_role("button", name="continue with")).to_have_count(0)
    page.get_by_role("button", name="Continue").click()
    decide(page, "Cancel")
    expect(page.get_by_role("heading", name="Nothing was allowed")).to_be_visible()
    read_until(terminal, "No tokens: the user said no")
    assert terminal.wait(20) == 1
