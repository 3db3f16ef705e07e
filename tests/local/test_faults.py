"""How commands of `dev.py` end where something is wrong: in words, with a next step, never in a traceback."""

import errno
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.config import ConfigurationError, read_settings
from cli.deployment.operations import OperationError
from cli.deployment.running_stack import RunningStack
from local import command_errors
from local.agents import command as agents
from local.demo import demo
from local.testing import command as testing
from tests.kit import ROOT
from tests.kit.requirement import requirement

COPIED = ("chalicelib", "cli", "clients", "demo", "infra", "local", "dev.py")
pytestmark = pytest.mark.timeout(90)


@requirement("RUN-01")
def test_a_checkout_in_a_folder_with_spaces_walks_the_tour(tmp_path: Path) -> None:
    checkout = tmp_path / "with space" / "my clone"
    for name in COPIED:
        source, target = ROOT / name, checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, target)
    walked = subprocess.run(
        [sys.executable, "-m", "local.demo.tour"], cwd=checkout, capture_output=True, text=True, timeout=80, check=False
    )
    assert walked.returncode == 0, walked.stderr
    assert "All ten steps worked." in walked.stdout


@requirement("RUN-01")
def test_folders_of_provider_files_are_separated_by_colons_so_that_a_name_may_hold_a_space() -> None:
    environ = {"BROKER_ISSUER": "https://broker.example", "BROKER_PROVIDER_DIRS": "/my providers:/b"}
    assert read_settings(environ).provider_dirs == ("/my providers", "/b")


def fail_with(error: BaseException) -> str:
    """The name of a module whose `main` raises this."""
    module = types.ModuleType("failing_command")

    def main(arguments: list[str]) -> int:
        raise error

    module.main = main  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return module.__name__


@requirement("RUN-01")
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            ConfigurationError(("a is wrong", "b is empty")),
            1,
            "these settings are invalid:\n  a is wrong\n  b is empty",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "TOKEN_BROKER_STATE"),
        (
            OSError(errno.EROFS, "Read-only file system", "/x"),
            1,
            "cannot use /x: Read-only file system\n  next: use a writable folder",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), 1, "cannot use /x: No such file\n  next: "),
        (
            OperationError("no such client: x", "broker client list"),
            1,
            "x\n  next: python3 dev.py broker client list\n",
        ),
        (KeyError("lost"), 1, "unexpected KeyError at test_faults.py:"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_a_command_raises_ends_in_words(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert command_errors.run("dev.py demo", fail_with(error), []) == code
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown
    assert not said or shown.startswith("dev.py demo: ")
    for trace in tmp_path.iterdir():
        assert str(trace) in shown and "Traceback" in trace.read_text()
    assert len(list(tmp_path.iterdir())) == isinstance(error, KeyError)


@requirement("RUN-01")
@pytest.mark.parametrize("missing", ["", "no-such-program"])
def test_a_program_for_tests_that_cannot_run_is_named(missing: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert testing.main(["--", missing]) == 127
    assert f"dev.py testing: cannot run {missing!r}: " in capfd.readouterr().err


@requirement("RUN-01")
@pytest.mark.parametrize("main", [testing.main, agents.main])
def test_a_setting_without_a_value_is_refused(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--set", "x"])
    assert "argument --set: x: write it as KEY=VALUE\n  next: " in capsys.readouterr().err


@requirement("RUN-01")
def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = os.environ | {"TOKEN_BROKER_STATE": str(tmp_path / "file")}
    command = [sys.executable, "dev.py", "aws"]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"cannot use {tmp_path / 'file'}" in ended.stderr and "\n  next: " in ended.stderr
    assert "Traceback" not in ended.stderr


@requirement("RUN-01")
def test_a_command_that_waits_for_another_says_so_and_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").touch()
    source = (
        "import dev, pathlib, signal, sys; from local import virtual_environment as made\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "made.ROOT, made.LOCAL_LOCK, dev.ENVIRONMENT = here, here / 'lock.txt', here / '.venv'\n"
        "made.ENVIRONMENT = dev.ENVIRONMENT\n"
        "sys.exit(dev.main(['demo']))"
    )
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with subprocess.Popen(
            [sys.executable, "-c", source, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as waiting:
            assert waiting.stderr is not None
            if not select.select([waiting.stderr], [], [], 60)[0]:
                waiting.kill()
            assert waiting.stderr.readline().startswith("dev.py: waiting for another command that is making .venv")
            waiting.send_signal(signal.SIGINT)
            assert (waiting.wait(30), waiting.stderr.read()) == (130, "")
    finally:
        os.close(held)


@requirement("RUN-02")
def test_a_second_demo_leaves_the_log_of_the_first_and_the_log_of_the_last_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        ended.append(process.pid)
    alive = tmp_path / f"demo-{os.getppid()}.log"
    for at, path in enumerate([alive, *(tmp_path / f"demo-{pid}.log" for pid in ended)]):
        path.touch()
        os.utime(path, (at, at))
    monkeypatch.setattr(demo, "DEMO_LOG", tmp_path / "demo-0.log")
    demo._make_room_for_log()
    assert sorted(tmp_path.iterdir()) == sorted([alive, tmp_path / f"demo-{ended[-1]}.log"])
    assert RunningStack(kind="demo", endpoint_url=None, log=[str(alive)]).log != demo.DEMO_LOG


@requirement("RUN-02")
def test_a_served_broker_writes_its_log_to_a_file_and_to_the_terminal_only_on_request() -> None:
    for options, in_terminal in ((), False), (("--log", "-"), True):
        command = [sys.executable, "-m", "local.serve", "--port", "0", *options]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
            assert serving.stdout is not None and serving.stderr is not None
            issuer = serving.stdout.readline().split()[2].rstrip(",")
            subprocess.run(
                [sys.executable, "-c", f"import urllib.request; urllib.request.urlopen('{issuer}/jwks').read()"],
                check=True, timeout=30,
            )  # fmt: skip
            serving.send_signal(signal.SIGTERM)
            said = serving.stderr.read()
            assert serving.wait(30) == 0
        assert ('"event"' in said) is in_terminal, said
        assert ("--log -" in said) is not in_terminal
