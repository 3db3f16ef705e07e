"""Copied projects as their README starts them: `npm run dev`, then a person in Chromium."""

import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.deployment import running_stack
from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import find_simulated
from local.node import NoNode
from local.recipe.project_table import read_projects
from tests.kit.browser_steps import CANCEL, decide, sign_in_at_provider
from tests.kit.chromium import chromium
from tests.kit.requirement import requirement
from tests.local.recipes.started_project import start_project

PAGES = [name for name, project in read_projects().items() if project.url]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_stack, "FOLDER", tmp_path_factory.mktemp("state") / "running")
        running = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, find_simulated(["github"])))
        with running.broker.as_running("demo"):
            yield running
        running.stop()


@pytest.fixture
def page(request: pytest.FixtureRequest, stack: DemoStack, browser: Browser) -> Iterator[Page]:
    """A project of this name, started."""
    try:
        with start_project(request.param) as url, browser.new_context() as context:
            opened = context.new_page()
            opened.goto(url)
            yield opened
    except NoNode as missing:
        pytest.skip(str(missing))


@pytest.mark.nightly("started-projects")
@requirement("RUN-13")
@pytest.mark.parametrize("page", ["next", "plain"], indirect=True)
def test_a_callback_that_this_browser_did_not_start_signs_nobody_in(page: Page) -> None:
    for query in ("code=forged", "code=forged&state=forged"):
        page.goto(f"{page.url}callback?{query}")
        expect(page.get_by_role("status")).to_contain_text("You are not signed in: ")
        page.goto(page.url.partition("?")[0])


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
