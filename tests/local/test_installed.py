"""The command `token-broker` of an installed package: from another folder, in a path with spaces."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli.invocation import OPERATOR, RUN, as_typed
from cli.main import build_parser
from cli.parser import helps_of, read_version
from local import commands
from local.installed import COMMANDS
from tests.kit.cli.installed_package import copy_source, install
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(120)
CREATE = ("client", "create", "--name", "My app", "--redirect-uri", "http://localhost:5173/callback")
# Every parser of the operator's command, as the installed package prints its help.
HELPS = """
import argparse, sys
sys.path.insert(0, {source!r})
from cli.main import build_parser
def walk(parser):
    print(parser.format_help())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values(): walk(below)
walk(build_parser())
"""


class Installed(NamedTuple):
    """The folders of one installation, and its command.

    folder   where pip put the package
    home     a user's home folder, and where commands start
    """

    folder: Path
    home: Path

    def environ(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "TOKEN_BROKER_"))}
        kept.pop("XDG_STATE_HOME", None)
        return {**kept, "PYTHONPATH": str(self.folder), "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """What the command prints to both streams."""
        command = [sys.executable, self.folder / "bin" / "token-broker", *arguments]
        done = subprocess.run(command, cwd=self.home, env=self.environ(), capture_output=True, text=True, timeout=60)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
        return done.stdout, done.stderr

    @contextmanager
    def running(self, *arguments: str) -> Iterator[dict[str, Any]]:
        """What a command that runs until it is stopped says when it is ready."""
        command = [sys.executable, self.folder / "bin" / "token-broker", *arguments, "--json"]
        with subprocess.Popen(command, cwd=self.home, env=self.environ(), stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                yield json.loads(child.stdout.readline())
            finally:
                child.terminate()
                assert child.wait(20) == 0


def read_page(url: str) -> str:
    asked = urllib.request.Request(url, headers={"Accept": "text/html"})
    return urllib.request.urlopen(asked, timeout=20).read().decode()


@pytest.fixture(scope="module")
def token_broker(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("an installation")
    (folder / "a home").mkdir()
    (folder / "source").mkdir()
    return Installed(install(copy_source(folder / "source"), folder / "site packages"), folder / "a home")


@requirement("START-02")
def test_the_command_lists_what_it_does_and_gives_its_release(token_broker: Installed) -> None:
    assert token_broker("--version")[0] == f"Token Broker {read_version()}\n"
    shown = token_broker()[0]
    assert shown == token_broker("--help")[0]
    listed = re.findall(r"^  ([a-z-]+)  ", shown, re.MULTILINE)
    assert set(listed) == {*COMMANDS, *helps_of(build_parser())}
    assert token_broker("help", "demo")[0] == token_broker("demo", "--help")[0]


@requirement("START-02")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["dmeo"], "token-broker: no command 'dmeo'; did you mean 'demo'?\n"),
        (["clients", "list"], "token-broker: no command 'clients'; did you mean 'client'?\n"),
        (["xyzzy"], "token-broker: no command 'xyzzy'; 'token-broker --help' lists the commands.\n"),
        (["client", "lst"], "did you mean list?\n  next: token-broker client --help\n"),
        (["serve", "--prot", "1"], "did you mean --port?\n  next: token-broker serve --help\n"),
    ],
)
def test_a_mistyped_command_ends_with_2_and_the_nearest_one(
    token_broker: Installed, typed: list[str], said: str
) -> None:
    assert token_broker(*typed, code=2)[1].endswith(said)


@requirement("START-02")
def test_an_operator_creates_a_client_at_the_broker_that_serve_runs(token_broker: Installed) -> None:
    with token_broker.running("serve", "--port", "0") as ready:
        made, announced = token_broker(*CREATE)
        assert f"stack: serve {ready['issuer']}" in announced
        (client_id,) = re.findall(r"^client_id +(\S+)$", made, re.MULTILINE)
        assert f"token-broker client show {client_id}" in made
        hint = json.loads(token_broker("client", "show", "0" * 32, "--json", code=1)[0])["hint"]
        assert hint == "token-broker client list"
        said = token_broker("client", "show", "0" * 32, code=1)[1]
        assert f"token-broker: no such client: {'0' * 32}\n  next: token-broker client list\n" in said
        page = read_page(f"{ready['issuer']}/")
        assert "token-broker client create" in page and "dev.py" not in page
    assert (token_broker.home / ".local" / "state" / "token-broker").is_dir()


@requirement("START-02")
def test_the_demo_and_the_broker_for_tests_run(token_broker: Installed) -> None:
    with token_broker.running("demo") as ready:
        page = read_page(ready["app"])
        assert "<title>" in page and "dev.py" not in page
    script = "import os; print(os.environ['TOKEN_BROKER_ISSUER'])"
    assert "http://127.0.0.1:" in token_broker("testing", "--", sys.executable, "-c", script)[0]


@requirement("START-02")
def test_nothing_that_runs_is_a_message_with_the_command_that_helps(token_broker: Installed) -> None:
    for command in (("client", "list"), ("device",), ("recipe", "react", "--copy", "app")):
        code = 1 if command[0] == "client" else 2
        assert "token-broker demo" in token_broker(*command, code=code)[1]


@requirement("START-02")
def test_no_help_names_a_command_that_only_a_checkout_has(token_broker: Installed) -> None:
    source = token_broker.folder / "token_broker_testing" / "_broker"
    program = HELPS.format(source=str(source))
    helps = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60).stdout
    helps += "".join(token_broker(name, "--help")[0] for name in COMMANDS)
    assert helps.count("usage: token-broker ") > 50
    assert "dev.py" not in helps
    assert re.findall(rf"(?<!-)broker (?:{'|'.join(OPERATOR)})\b", helps) == []


@requirement("START-02")
def test_every_command_that_a_text_can_name_is_known() -> None:
    assert set(helps_of(build_parser())) <= set(OPERATOR), "add the command to cli/invocation.py"
    assert set(RUN) <= set(commands.COMMANDS)


@requirement("START-02")
@pytest.mark.parametrize(
    ("text", "checkout", "installed"),
    [
        ("broker client list", "python3 dev.py broker client list", "token-broker client list"),
        ("run broker init, or dev.py demo", "run python3 dev.py broker init, or python3 dev.py demo", None),
        ("`broker stacks`", "`python3 dev.py broker stacks`", "`token-broker stacks`"),
        ("python3 dev.py broker keys list", "python3 dev.py broker keys list", "token-broker keys list"),
        ("python3 dev.py package", "python3 dev.py package", "python3 dev.py package"),
        ("dev.py provider github", "python3 dev.py provider github", "dev.py provider github"),
        ("the broker keys its items", "the broker keys its items", "the broker keys its items"),
        ("token-broker client list", "token-broker client list", "token-broker client list"),
        ("https://a.example/broker client", "https://a.example/broker client", "https://a.example/broker client"),
    ],
)
def test_a_command_is_written_as_it_is_typed_here(text: str, checkout: str, installed: str | None) -> None:
    assert as_typed(text, installed=False) == checkout
    assert as_typed(checkout, installed=False) == checkout
    assert as_typed(text, installed=True) == (installed or "run token-broker init, or token-broker demo")
