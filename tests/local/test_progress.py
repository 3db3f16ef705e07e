"""The progress line: on a terminal, and nowhere else."""

import contextlib
import importlib
import io
import os
import pty
import subprocess
import sys

import pytest

from cli.progress import Progress, over
from local.commands import COMMANDS
from tests.kit import ROOT
from tests.kit.requirement import requirement

# Ready or done in less than three seconds, or what they print shows how far they are.
SAYS_ITSELF = {
    "broker": "its long commands are looked at below",
    **dict.fromkeys(("demo", "tour", "device", "mcp", "serve", "testing", "provider", "aws", "openapi"), "under 3 s"),
    "test": "pytest prints a dot for each test",
    "nightly": "each of its parts shows its own",
}
# Where the long commands wait.
SHOWN_IN = {
    "recipe": "local.node",
    "release": "local.release.artifacts",
    "package": "local.package.package",
    "fuzz": "tests.concurrency.fuzz.command",
}
OPERATOR = ("cli.commands.bootstrap", "cli.doctor.command", "cli.commands.provider_test")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@requirement("START-03")
def test_progress_shows_a_count_on_a_terminal_and_erases_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen, seen = Screen(), iter(range(35, 1000))
    with Progress("installing", 140, "MB", read=lambda: next(seen), stream=screen) as shown:
        while screen.getvalue().count("\r") < 2:
            shown.note("botocore")
    assert "installing [#####---------------]  35 of 140 MB  0 s" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
    assert len(shown.describe(30)) == 30


@requirement("START-03")
def test_progress_writes_nothing_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with Progress("building", 3, stream=stream) as shown:
        shown.advance("one")
        shown.say("a line")
    assert (stream.getvalue(), capsys.readouterr().out) == ("", "a line\n")


@requirement("START-03")
def test_a_part_that_shows_progress_too_is_at_the_end_of_the_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    with Progress("rehearsing", 3, "steps", stream=screen) as outer, Progress("building", 4, stream=screen) as inner:
        inner.advance("compiling")
        assert "rehearsing [" in outer.describe(200) and "building [#####" in outer.describe(200)
        inner.say("above both")
    assert "building" not in outer.describe(200)
    assert outer.describe(200).startswith("rehearsing [--------------------]  0 of 3 steps")


@requirement("START-03")
def test_a_command_of_a_known_length_counts_its_seconds() -> None:
    assert over("soaking", 60).describe(200) == "soaking [--------------------]  0 of 60 s"


@requirement("START-03")
def test_every_command_that_takes_long_shows_progress() -> None:
    long = {name: SHOWN_IN.get(name, COMMANDS[name][0]) for name in COMMANDS.keys() - SAYS_ITSELF.keys()}
    for module in (*long.values(), *OPERATOR):
        shows = {"Progress", "over"} & vars(importlib.import_module(module)).keys()
        assert shows, f"{module}: show progress, or say above why it need not"


def read_terminal(terminal: int) -> str:
    """All that is drawn until the other side is closed, which Linux tells by an error."""
    drawn = b""
    with contextlib.suppress(OSError):
        while more := os.read(terminal, 4096):
            drawn += more
    os.close(terminal)
    return drawn.decode()


@requirement("START-03")
@pytest.mark.timeout(120)
def test_a_command_draws_on_a_terminal_and_not_on_a_pipe() -> None:
    command = [sys.executable, "-m", "cli.main", "provider", "test", "github"]
    environ = {**os.environ, "TERM": "xterm"}
    outer, inner = pty.openpty()
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=inner) as child:
        os.close(inner)
        drawn = read_terminal(outer)
        on_terminal = child.communicate()[0]
    assert "\r\x1b[Ktesting [--------------------]  0 of 1 provider files" in drawn and drawn.endswith("\r\x1b[K")
    on_pipe = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=False)
    assert (on_pipe.stdout, on_pipe.stderr) == (on_terminal, b"")
