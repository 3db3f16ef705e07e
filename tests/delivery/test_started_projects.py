"""Copied projects as their README starts them: `npm run dev`, then a person in Chromium."""

import io
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import find_simulated
from local.node import PROJECTS, NoNode, install_packages
from local.recipe.project import copy_project
from local.recipe.project_table import read_projects
from local.stack import state
from tests.browser.steps import CANCEL, decide, sign_in_at_provider
from tests.chromium import chromium
from tests.requirement import requirement

PAGES = [name for name, project in read_projects().items() if project.url]
STARTS_WITHIN = 120
QUIET = {"NODE_OPTIONS": "", "NEXT_TELEMETRY_DISABLED": "1"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "FOLDER", tmp_path_factory.mktemp("state") / "running")
        running = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, find_simulated(["github"])))
        with running.broker.as_running("demo"):
            yield running
        running.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Below the installed packages, where Node finds them."""
    try:
        install_packages(PROJECTS)
    except NoNode as missing:
        pytest.skip(str(missing))
    with tempfile.TemporaryDirectory(prefix="run-", dir=PROJECTS) as made:
        yield Path(made) / "my-app"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        assert process.poll() is None and time.monotonic() < ends, "it did not start"
        try:
            opener.open(url, timeout=STARTS_WITHIN).close()
            return
        except OSError:
            time.sleep(0.2)


@pytest.fixture
def page(request: pytest.FixtureRequest, stack: DemoStack, browser: Browser, folder: Path) -> Iterator[Page]:
    """A project of this name, started."""
    project = copy_project(request.param, folder, "github", free_port())
    command, environ = project.start[-1].split(), {**os.environ, **QUIET}
    with subprocess.Popen(command, cwd=folder, env=environ, start_new_session=True) as process:
        try:
            wait_for(project.url, process)
            with browser.new_context() as context:
                opened = context.new_page()
                opened.goto(project.url)
                yield opened
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.nightly("started-projects")
@requirement("RUN-13")
@pytest.mark.parametrize("page", PAGES, indirect=True)
def test_a_started_project_signs_in_reads_the_account_and_signs_out(page: Page) -> None:
    page.get_by_text("Continue with GitHub").click()
    decide(page, CANCEL)
    expect(page.get_by_role("status")).to_contain_text("You are not signed in")
    page.get_by_text("Continue with GitHub").click()
    decide(page)
    sign_in_at_provider(page)
    expect(page.locator("#who")).to_contain_text("alice", ignore_case=True)
    page.get_by_text("Read my GitHub account").click()
    expect(page.locator("pre")).to_contain_text("alice")
    if page.url.endswith("/account"):
        page.go_back()
    page.get_by_role("button", name="Sign out of this app").click()
    expect(page.get_by_text("Continue with GitHub")).to_be_visible()
