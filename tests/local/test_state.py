"""Files of running stacks: written whole, found by others, gone or ignored when stale."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.deployment import running_stack
from cli.deployment.running_stack import RunningStack, find_running


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    return tmp_path / "running"


def test_nothing_runs() -> None:
    assert find_running() is None


def test_a_running_stack_is_found_and_its_file_goes_with_it(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with RunningStack(kind="serve", endpoint_url=url, issuer=url) as stack:
            assert find_running() == stack
    assert list(folder.iterdir()) == []


def test_the_file_of_a_dead_process_is_removed(folder: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    RunningStack(kind="aws", endpoint_url="http://127.0.0.1:9", pid=dead.pid).__enter__()
    assert find_running() is None
    assert list(folder.iterdir()) == []


def test_a_number_taken_over_by_another_process_is_not_a_stack() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    with RunningStack(kind="aws", endpoint_url=closed, pid=os.getpid()):
        assert find_running() is None


def test_a_broker_goes_before_an_aws_alone_and_the_later_before_the_earlier() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        broker = RunningStack(kind="serve", endpoint_url=url, issuer=url, pid=os.getppid(), started_at=1.0)
        with broker, RunningStack(kind="aws", endpoint_url=url, started_at=2.0):
            assert find_running() == broker


def test_a_broken_file_is_ignored(folder: Path) -> None:
    folder.mkdir()
    (folder / "1.json").write_text('{"kind": ')
    assert find_running() is None
