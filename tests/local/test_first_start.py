"""The environment of a first start: how much it is, what runs in it, and what the commands that test add."""

import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chalicelib
import cli
import local
from local import virtual_environment
from local.cache_growth import CacheGrowth, measure
from local.commands import COMMANDS, DEVELOPMENT
from tests.kit import ROOT
from tests.kit.requirement import requirement

# What a command that tests or measures may import at its top, no other module may.
THEIRS = {COMMANDS[name][0] for name in DEVELOPMENT} | {"local.test_command"}
# These run inside MkDocs, in an environment of its own.
IN_MKDOCS = {f"local.docs_site.{name}" for name in ("elements", "hook", "navigation", "pages", "rendering", "tabs")}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as `dev.py demo` makes it on a machine that has none."""
    folder = tmp_path_factory.mktemp("first") / ".venv"
    virtual_environment.make_environment(folder, virtual_environment.LOCAL_LOCK)
    return folder


def run(first: Path, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TOKEN_BROKER_STATE": str(first.parent / "state")}
    command = [first / "bin" / "python", *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@requirement("START-01")
def test_a_first_start_installs_what_it_says_and_less_than_200_megabytes(first: Path) -> None:
    said = virtual_environment.MEGABYTES[virtual_environment.LOCAL_LOCK.name]
    assert abs(measure(first) - said) < 30
    assert measure(first) < 200
    packages = virtual_environment.count_packages(first)
    assert virtual_environment.describe_size(virtual_environment.LOCAL_LOCK) == f"{packages} packages, about {said} MB"
    assert not (first / "bin" / "pytest").exists()


@requirement("START-01")
def test_every_module_that_runs_can_be_imported_after_a_first_start(first: Path) -> None:
    found = (
        each.name
        for package in (chalicelib, cli, local)
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    )
    names = [
        name for name in found if name not in THEIRS | IN_MKDOCS and not name.rpartition(".")[2].startswith("test_")
    ]
    assert len(names) > 400
    run(first, "-c", f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)")


@requirement("START-01")
def test_a_whole_sign_in_runs_after_a_first_start(first: Path) -> None:
    assert "All ten steps worked." in run(first, "-m", "local.demo.tour")


@requirement("START-01")
def test_an_environment_without_uv_gets_it_first_by_its_hashes(tmp_path: Path) -> None:
    folder, python = tmp_path / ".venv", str(Path(sys.executable).resolve())
    virtual_environment.create(folder, python, None)
    uv = virtual_environment.install_uv(folder, python, virtual_environment.LOCAL_LOCK)
    assert uv == str(folder / "bin" / "uv")


@requirement("START-01")
def test_pip_installs_where_uv_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, lock = tmp_path / ".venv", tmp_path / "lock.txt"
    virtual_environment.create(folder, str(Path(sys.executable).resolve()), None)
    uv = folder / "bin" / "uv"
    uv.write_text("#!/bin/sh\n[ $1 = --version ]\n", encoding="ascii")
    uv.chmod(0o755)
    text = virtual_environment.LOCAL_LOCK.read_text(encoding="ascii")
    lock.write_text(re.findall(r"^six==.*(?:\n .*)*", text, re.MULTILINE)[0], encoding="ascii")
    virtual_environment.install(folder, lock)
    assert "dev.py: uv cannot install this; trying pip\n" in capsys.readouterr().err
    assert list(folder.glob("lib/python*/site-packages/six.py"))


@requirement("START-01")
def test_an_environment_that_nothing_can_install_into_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As uv leaves one behind, which an interrupted first start made, and which is gone since."""
    folder, lock = tmp_path / ".venv", tmp_path / "lock.txt"
    virtual_environment.create(folder, str(Path(sys.executable).resolve()), virtual_environment.find_uv(folder))
    assert not (folder / "bin" / "pip").exists()
    monkeypatch.setattr(virtual_environment, "ENVIRONMENT", folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    text = virtual_environment.LOCAL_LOCK.read_text(encoding="ascii")
    lock.write_text(re.findall(r"^six==.*(?:\n .*)*", text, re.MULTILINE)[0], encoding="ascii")
    virtual_environment.install(folder, lock)
    assert "dev.py: making .venv with Python" in capsys.readouterr().err
    assert list(folder.glob("lib/python*/site-packages/six.py"))


@requirement("START-01")
def test_a_command_that_tests_takes_the_development_lock_and_a_demo_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_environment, "ENVIRONMENT", tmp_path)
    assert virtual_environment.choose_lock(needs_development=False) == virtual_environment.LOCAL_LOCK
    assert virtual_environment.choose_lock(needs_development=True) == virtual_environment.DEVELOPMENT_LOCK
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pytest").touch()
    assert virtual_environment.choose_lock(needs_development=False) == virtual_environment.DEVELOPMENT_LOCK


@requirement("START-03")
def test_the_growth_of_a_cache_is_what_came_since_and_counts_a_moved_folder_once(tmp_path: Path) -> None:
    (tmp_path / "archive-v0" / "before").mkdir(parents=True)
    (tmp_path / "archive-v0" / "before" / "file").write_bytes(bytes(5_000_000))
    growth = CacheGrowth(tmp_path)
    assert growth.megabytes() == 0
    (tmp_path / ".tmpA").mkdir()
    (tmp_path / ".tmpA" / "file").write_bytes(bytes(2_000_000))
    assert growth.megabytes() == 2
    (tmp_path / ".tmpA").rename(tmp_path / "archive-v0" / "a")
    assert growth.megabytes() == 2
    assert CacheGrowth(tmp_path / "nothing").megabytes() == 0
