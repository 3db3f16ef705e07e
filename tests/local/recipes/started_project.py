"""A copied project that runs, below the installed packages, where Node finds them."""

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.node import PROJECTS, install_packages
from local.recipe.project import copy_project

STARTS_WITHIN = 120
QUIET = {"NODE_OPTIONS": "", "NEXT_TELEMETRY_DISABLED": "1"}


@contextmanager
def start_project(name: str) -> Iterator[str]:
    """Copy a page's project for the demo that runs, start it as its README says: its URL. Raises NoNode."""
    install_packages(PROJECTS)
    with tempfile.TemporaryDirectory(prefix="run-", dir=PROJECTS) as made:
        folder = Path(made) / "my-app"
        project = copy_project(name, folder, "github", _find_port())
        command, environ = project.start[-1].split(), {**os.environ, **QUIET}
        with subprocess.Popen(command, cwd=folder, env=environ, start_new_session=True) as process:
            try:
                _wait_for(project.url, process)
                yield project.url
            finally:
                os.killpg(process.pid, signal.SIGKILL)


def _find_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        if process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(f"{url} did not start")
        try:
            opener.open(url, timeout=STARTS_WITHIN).close()
            return
        except OSError:
            time.sleep(0.2)
