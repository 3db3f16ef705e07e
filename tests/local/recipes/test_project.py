"""`dev.py recipe NAME --copy FOLDER`: what a copy holds, and the sign-in with each provider that a page knows."""

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

from cli.deployment import running_stack
from cli.deployment.operations import list_clients
from local.demo.backend import start_behind
from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import find_simulated
from local.node import ROOT, NoNode, install_packages
from local.recipe.project import NotCopied, copy_project, read_scopes
from local.recipe.project_table import read_projects
from local.recipe.recipe import main, serve, start_program
from local.testing.control import walk
from tests.kit.browser_steps import decide, sign_in_at_provider
from tests.kit.chromium import chromium
from tests.kit.requirement import requirement

BUNDLER = ROOT / "tests" / "interop" / "clients" / "js" / "bundle.mjs"
PROVIDER_FILES = ROOT / "local" / "providers"
NAMES = ("github", "google", "slack", "microsoft")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_stack, "FOLDER", tmp_path_factory.mktemp("state") / "running")
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
def site(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder for built files, and the port that serves it."""
    built = tmp_path / "built"
    built.mkdir()
    server = ThreadingHTTPServer(("localhost", 0), partial(Pages, directory=str(built)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield built, server.server_port
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
    command = ["node", str(BUNDLER), str(folder / "src" / "main.ts")]
    environ = {**os.environ, "VITE_ENV": variables}
    script = subprocess.run(command, env=environ, capture_output=True, check=True).stdout
    (built / "main.js").write_bytes(script)
    page = (folder / "index.html").read_text().replace("/src/main.ts", "/main.js")
    (built / "index.html").write_text(page)


@requirement("RUN-13")
@pytest.mark.parametrize("name", NAMES)
def test_a_copied_project_signs_in_and_reads_the_account(
    stack: DemoStack, site: tuple[Path, int], browser: Browser, tmp_path: Path, name: str
) -> None:
    (built, port), folder = site, tmp_path / "my app"
    origin = copy_project("react", folder, port=port).url
    line = "VITE_PROVIDER=github\n"
    text = (folder / ".env").read_text()
    assert line in text
    (folder / ".env").write_text(text.replace(line, f"VITE_PROVIDER={name}\n"))
    build(folder, built)
    page = browser.new_context().new_page()
    page.goto(origin)
    said = stack.simulated[name].definition.display_name
    page.get_by_role("button", name=f"Continue with {said}").click()
    page.wait_for_url("**/authorize?**")
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
        copy_project("react", tmp_path / "full")
    with pytest.raises(NotCopied, match="it has github, google, slack, microsoft, demo"):
        copy_project("react", tmp_path / "new", "gitlab")
    assert not (tmp_path / "new").exists()
    assert list_clients(stack.broker.deployment) == before


@requirement("RUN-13")
def test_without_a_demo_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    with pytest.raises(NotCopied, match=r"python3 dev\.py demo --provider github"):
        copy_project("react", tmp_path / "new")


@requirement("RUN-15")
def test_a_copy_for_a_client_that_exists_needs_no_demo_and_registers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    folder = tmp_path / "app"
    client = ["--issuer", "https://login.example.com", "--client-id", "0" * 32]
    assert main(["next", "--copy", str(folder), *client, "--provider", "google"]) == 0
    env = read_env(folder)
    assert (env["ISSUER"], env["CLIENT_ID"], env["PROVIDER"]) == (client[1], client[3], "google")
    assert env["CLIENT_SECRET"] == "", "it was shown once, to whoever registered the client"
    assert "CLIENT_SECRET" in capsys.readouterr().out
    for arguments in (client[:2], client[2:], [*client, "--provider", "gitlab"], [*client, "--issuer", "ftp://a"]):
        with pytest.raises(SystemExit, match="2"):
            main(["next", "--copy", str(tmp_path / "other"), *arguments])
    assert not (tmp_path / "other").exists()


@requirement("RUN-13")
def test_every_scope_of_the_project_is_in_its_provider_file() -> None:
    from chalicelib.providers.catalog import load_catalog

    for provider_id, scope in read_scopes().items():
        definition = load_catalog(PROVIDER_FILES).get(provider_id)
        assert definition
        known = {*definition.scopes, *definition.sign_in_scopes}
        assert scope.removeprefix(f"{provider_id}:") in known


@requirement("RUN-13")
@pytest.mark.parametrize("name", read_projects())
def test_every_copy_is_small_and_holds_what_its_readme_names(stack: DemoStack, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "My App"
    project = copy_project(name, folder, "google")
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert {".env", ".gitignore", "README.md"} < set(files) and len(files) <= 14
    readme = (folder / "README.md").read_text()
    assert all(f"    {line}\n" in readme for line in project.start) and project.checked in readme
    assert ("package.json" in files) == any(line.startswith("npm") for line in project.start)
    if project.package:
        assert json.loads((folder / "package.json").read_text())["name"] == "my-app"
    (client,) = (each for each in list_clients(stack.broker.deployment) if each.client_id in read_env(folder).values())
    assert client.client_name == "My App" and "google:profile" in client.scopes
    assert (folder / ".env").stat().st_mode & 0o077 == 0


@requirement("RUN-13")
def test_nobody_else_can_read_the_configuration_at_any_moment(
    stack: DemoStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("the mode changed after the file was written")

    monkeypatch.setattr(Path, "chmod", refuse)
    before = os.umask(0)
    try:
        copy_project("next", tmp_path / "app")
    finally:
        os.umask(before)
    assert (tmp_path / "app" / ".env").stat().st_mode & 0o777 == 0o600


def read_env(folder: Path) -> dict[str, str]:
    """As a shell reads it."""
    command = ["env", "-i", "sh", "-c", "set -a && . ./.env && env -0"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.split("\0") if line)


@requirement("RUN-13")
def test_a_copied_program_signs_in_with_its_provider(stack: DemoStack, tmp_path: Path) -> None:
    folder = tmp_path / "my script"
    project = copy_project("curl", folder, "github")
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(["sh", "-c", project.start[-1]], cwd=folder, **piped) as process:
        assert process.stdout
        shown = next(line for line in process.stdout if line.startswith("Open: ")).split()[-1]
        end = walk((stack.broker.issuer, stack.simulated["github"].url), shown, "alice")
        said, _ = process.communicate(f"{end.location}\n", timeout=60)
    assert process.returncode == 0 and "A token of the provider for: " in said and "read:user" in said, said


@requirement("RUN-13")
def test_the_command_names_what_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["next"], ["popup", "--copy", "folder"], ["react", "--provider", "github"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert f"these can be copied: {', '.join(read_projects())}" in capsys.readouterr().err


@requirement("RUN-13")
def test_a_recipe_signs_in_at_the_provider_of_its_option(browser: Browser) -> None:
    behind = start_behind(io.StringIO(), simulated=find_simulated(["github"]))
    assert "PROVIDER=github SCOPE='openid profile offline_access github:" in start_program("curl", behind)
    try:
        server = serve("redirect-oidc-client-ts", behind)
    except NoNode as missing:
        pytest.skip(str(missing))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/authorize?**")
        decide(page)
        expect(page.get_by_role("heading", name="Sign in to GitHub")).to_be_visible()
        sign_in_at_provider(page)
        expect(page.get_by_role("listitem").filter(has_text="GitHub")).to_contain_text("Connected")
    server.stop()
    behind.stop()
