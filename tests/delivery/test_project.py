"""`dev.py recipe react --copy FOLDER`: the project signs in with each provider that it knows, in Chromium."""

import io
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cli.deployment.operations import list_clients
from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import find_simulated
from local.node import ROOT, NoNode, install_packages
from local.recipe import project
from local.recipe.project import NotCopied, copy_project, read_scopes
from local.stack import state
from tests.browser.steps import decide, sign_in_at_provider
from tests.chromium import chromium
from tests.requirement import requirement

BUNDLER = ROOT / "tests" / "clients" / "js" / "bundle.mjs"
NAMES = ("github", "google", "slack", "microsoft")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "FOLDER", tmp_path_factory.mktemp("state") / "running")
        running = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, find_simulated(NAMES)))
        with running.broker.as_running("demo"):
            yield running
        running.stop()


class Pages(SimpleHTTPRequestHandler):
    """The folder, and its page at the redirect URI."""

    def do_GET(self) -> None:
        self.path = "/index.html" if self.path.startswith("/callback") else self.path
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Not to the terminal."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder for built files, and the origin that serves it and that the project is registered with."""
    built = tmp_path / "built"
    built.mkdir()
    server = ThreadingHTTPServer(("localhost", 0), partial(Pages, directory=str(built)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    origin = f"http://localhost:{server.server_port}"
    monkeypatch.setattr(project, "ORIGIN", origin)
    yield built, origin
    server.shutdown()
    server.server_close()


def build(folder: Path, built: Path) -> None:
    """As Vite builds it: the variables of .env in the code, one script beside the page."""
    try:
        install_packages()
    except NoNode as missing:
        pytest.skip(str(missing))
    lines = (folder / ".env").read_text().splitlines()
    variables = json.dumps(dict(line.split("=", 1) for line in lines))
    command = ["node", str(BUNDLER), str(folder / "src" / "main.tsx")]
    environ = {**os.environ, "VITE_ENV": variables}
    script = subprocess.run(command, env=environ, capture_output=True, check=True).stdout
    (built / "main.js").write_bytes(script)
    page = (folder / "index.html").read_text().replace("/src/main.tsx", "/main.js")
    (built / "index.html").write_text(page)


@requirement("RUN-13")
@pytest.mark.parametrize("name", NAMES)
def test_a_copied_project_signs_in_and_reads_the_account(
    stack: DemoStack, site: tuple[Path, str], browser: Browser, tmp_path: Path, name: str
) -> None:
    built, origin = site
    folder = copy_project("react", tmp_path / "my app", None)
    line = "VITE_PROVIDER=github\n"
    text = (folder / ".env").read_text()
    assert line in text
    (folder / ".env").write_text(text.replace(line, f"VITE_PROVIDER={name}\n"))
    build(folder, built)
    page = browser.new_context().new_page()
    page.goto(origin)
    said = stack.simulated[name].definition.display_name
    page.get_by_role("button", name=f"Continue with {said}").click()
    decide(page)
    expect(page.get_by_role("heading", name=f"Sign in to {said}")).to_be_visible()
    sign_in_at_provider(page)
    expect(page.locator("#who")).to_contain_text("alice", ignore_case=True)
    page.get_by_role("button", name=f"Read my {said} account").click()
    expect(page.locator("pre")).to_contain_text('"alice"')
    assert page.url == f"{origin}/"
    page.context.close()


@requirement("RUN-13")
def test_what_cannot_be_copied_is_refused_and_registers_nothing(stack: DemoStack, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    before = list_clients(stack.broker.deployment)
    with pytest.raises(NotCopied, match="not empty"):
        copy_project("react", tmp_path / "full", None)
    with pytest.raises(NotCopied, match="it has github, google, slack, microsoft"):
        copy_project("react", tmp_path / "new", "gitlab")
    assert not (tmp_path / "new").exists()
    assert list_clients(stack.broker.deployment) == before


@requirement("RUN-13")
def test_without_a_demo_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "FOLDER", tmp_path / "running")
    with pytest.raises(NotCopied, match=r"python3 dev\.py demo --provider github"):
        copy_project("react", tmp_path / "new", None)


@requirement("RUN-13")
def test_every_scope_of_the_project_is_in_its_provider_file() -> None:
    from chalicelib.providers.catalog import load_catalog

    for provider_id, scope in read_scopes("react").items():
        definition = load_catalog().get(provider_id)
        assert definition
        known = {*definition.scopes, *definition.sign_in_scopes}
        assert scope.removeprefix(f"{provider_id}:") in known
