"""Processes of the local stack, started by their real commands and ended by their own number."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import pytest

from local.interpreters import Unprepared
from local.virtual_environment import make_environment
from tests.kit import ROOT

SERVICES = "dynamodb,kms"


class Process:
    """A child that says one line of JSON when it is ready; `said` is that line."""

    def __init__(self, *arguments: str, environ: dict[str, str] | None = None, folder: Path = ROOT) -> None:
        self._command = " ".join(arguments)
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - read when the process has ended
        self._child = subprocess.Popen(
            arguments, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self._child.wait(10)
            raise self._ended_by_itself()
        self.said: dict[str, Any] = json.loads(line)

    def stop(self) -> None:
        """SIGTERM, and wait. Raises RuntimeError, with the last lines that it printed, where it had ended by itself."""
        ended = self._child.poll() is not None
        self._end(signal.SIGTERM)
        if ended:
            raise self._ended_by_itself()

    def kill(self) -> None:
        """SIGKILL, as a function that is stopped in the middle of something."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP, as a function that is frozen wherever it stands; on return no thread of it runs any more.

        The signal alone is a wish: until some thread of the process gets a processor and takes it, the others go on.
        """
        self._child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._child.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._child.poll() is None:
            self._child.send_signal(number)
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(10)
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _ended_by_itself(self) -> RuntimeError:
        self._errors.seek(0)
        return RuntimeError(f"{self._command} ended with {self._child.returncode}:\n{self._errors.read()[-2000:]}")


def start_module(module: str, *arguments: str) -> Process:
    """`python -m module arguments`."""
    return Process(sys.executable, "-m", module, *arguments)


@contextlib.contextmanager
def run_moto() -> Iterator[str]:
    """The embedded AWS as a process of its own; its endpoint."""
    aws = start_module("local.stack.aws", "--port", "0", "--json")
    try:
        yield aws.said["endpoint_url"]
    finally:
        aws.stop()


@contextlib.contextmanager
def run_ministack(services: str = SERVICES, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """A DynamoDB written by others, in an environment of its own that is made here when it is missing; its endpoint.

    services   what of AWS it shall play, as it names it
    more       further environment, which its functions inherit
    """
    try:
        python = make_environment(ROOT / ".venv-ministack", ROOT / "requirements-ministack.txt")
    except (Unprepared, OSError, subprocess.CalledProcessError) as reason:
        pytest.skip(f"ministack cannot be installed: {reason}")
    with socket.socket() as free, TemporaryDirectory(prefix="ministack-") as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environ = {
            "PATH": os.environ["PATH"], "HOME": folder, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port),
            "SERVICES": services, "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "TMPDIR": folder, "STATE_DIR": folder,
            **(more or {}),
        }  # fmt: skip
        command = [str(python.parent / "ministack")]
        with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            try:
                _wait_for(f"http://127.0.0.1:{port}/_ministack/ready", child)
                yield f"http://127.0.0.1:{port}"
            finally:
                _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Politely, and after ten seconds at once: what holds a million items takes longer to put them away."""
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()


def _wait_for(url: str, child: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError(f"ministack ended with {child.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise RuntimeError("ministack is not ready after 30 s")


STORES = {"moto": run_moto, "ministack": run_ministack}
