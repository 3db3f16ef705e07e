"""The one command: what it says, what it refuses, and how it finds a Python."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from cli.parser import read_version
from local import interpreters, virtual_environment

ROOT = Path(dev.__file__).parent
# What dev.py imports before `.venv` exists.
EARLY = {"cache_growth", "command_errors", "commands", "interpreters", "virtual_environment"}
EARLY_MODULES = {"cli.progress", *(f"local.{name}" for name in EARLY)}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "dev.py", *arguments], capture_output=True, text=True, timeout=60)


def test_alone_it_lists_every_command_on_one_screen() -> None:
    shown = run()
    assert shown.returncode == 0
    assert shown.stdout == run("--help").stdout
    assert all(re.search(rf"^  {name} ", shown.stdout, re.MULTILINE) for name in dev.COMMANDS)
    assert len(shown.stdout.splitlines()) <= 32
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("typed", "meant"), [("tets", "test"), ("dmeo", "demo"), ("borker", "broker")])
def test_an_unknown_command_ends_with_2_and_the_nearest_name(typed: str, meant: str) -> None:
    refused = run(typed)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == f"dev.py: no command '{typed}'; did you mean '{meant}'?\n"


def test_the_release_and_the_help_of_a_command_are_shown_as_other_tools_show_them() -> None:
    assert run("--version").stdout == run("broker", "--version").stdout == f"Token Broker {read_version()}\n"
    assert run("help", "tour").stdout == run("tour", "--help").stdout


def test_a_command_near_to_nothing_is_sent_to_the_list() -> None:
    assert run("xyzzy").stderr == "dev.py: no command 'xyzzy'; 'python3 dev.py' lists the commands.\n"


@pytest.mark.parametrize("name", dev.COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str) -> None:
    shown = run(name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("usage: ")


@pytest.mark.parametrize(
    "name",
    [
        "dev.py",
        *sorted(f"{name.replace('.', '/')}.py" for name in EARLY_MODULES),
        "local/__init__.py",
        "cli/__init__.py",
    ],
)
def test_an_old_python_can_read_it_and_go_on_to_find_a_newer_one(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(), feature_version=(3, 8))
    at_the_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {(node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name for node in at_the_top}
    foreign = modules - {"local", *EARLY_MODULES}
    assert {module.partition(".")[0] for module in foreign} <= set(sys.stdlib_module_names)


def test_a_shim_that_exists_but_does_not_work_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(shim))
    try:
        program, version = interpreters.find_python(has_uv=True)
    except interpreters.Unprepared as nothing_else_here:
        assert "apt-get install -y python3 python3-venv" in str(nothing_else_here)
    else:
        assert Path(program) != shim
        assert tuple(map(int, version.split("."))) >= interpreters.OLDEST


def test_an_environment_of_another_lock_is_not_taken_for_current(tmp_path: Path) -> None:
    python, stamp = tmp_path / "python", tmp_path / "lock.sha256"
    python.touch()
    assert not virtual_environment.is_current(python, stamp, "a")
    stamp.write_text("a\n")
    assert virtual_environment.is_current(python, stamp, "a")
    assert not virtual_environment.is_current(python, stamp, "b")
    python.unlink()
    assert not virtual_environment.is_current(python, stamp, "a")
