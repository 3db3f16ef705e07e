"""The environment `.venv`: made by the best Python of the machine from a hash lock, once per lock.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cli.progress import Progress
from local.cache_growth import CacheGrowth, measure
from local.interpreters import Unprepared, find_python, probe

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = (ROOT / ".venv").resolve()
LOCAL_LOCK, DEVELOPMENT_LOCK = ROOT / "requirements-local.txt", ROOT / "requirements-dev.txt"
# What an environment takes on the disk, for the progress line; a test measures the first.
MEGABYTES = {LOCAL_LOCK.name: 140, DEVELOPMENT_LOCK.name: 580, "requirements-docs.txt": 125}


def choose_lock(needs_development: bool) -> Path:
    """The lock to run, or the one to develop: for a command that needs it, and where it was installed before."""
    has_development = (ENVIRONMENT / "bin" / "pytest").exists()
    return DEVELOPMENT_LOCK if needs_development or has_development else LOCAL_LOCK


def make_environment(folder: Path, lock: Path) -> Path:
    """The Python of an environment that holds what `lock` names; makes it when it is missing or of another lock.

    Raises Unprepared.
    """
    python = folder / "bin" / "python"
    stamp = folder / "lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if is_current(python, stamp, digest):
        return python
    with only_one():
        if not is_current(python, stamp, digest):
            install(folder, lock)
            stamp.write_text(digest + "\n", encoding="ascii")
    return python


def is_current(python: Path, stamp: Path, digest: str) -> bool:
    return python.exists() and stamp.is_file() and stamp.read_text(encoding="ascii").strip() == digest


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two commands started at once make one environment: the second waits here for the first."""
    import fcntl

    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command that is making {ENVIRONMENT.name}; Ctrl-C stops waiting")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def install(folder: Path, lock: Path) -> None:
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        raise Unprepared(f"cannot write to {folder.parent}; clone into a folder that you may write")
    begun = time.monotonic()
    python = folder / "bin" / "python"
    # What uv made has no pip of its own: without uv, nothing could be installed into it.
    can_install = find_uv(folder) is not None or (folder / "bin" / "pip").exists()
    if can_install and python.exists() and probe(str(python)) is not None:
        outer = str(python)
        say(f"adding to {folder.name} what {lock.name} names: {describe_size(lock)} in all")
    else:
        shutil.rmtree(folder, ignore_errors=True)
        outer, version = find_python(find_uv(folder) is not None)
        say(f"making {folder.name} with Python {version} ({outer}) from {lock.name}: {describe_size(lock)}")
        create(folder, outer, find_uv(folder))
    fill(folder, outer, lock)
    say(f"{folder.name} is ready after {time.monotonic() - begun:.0f} s: {count_packages(folder)} packages")


def fill(folder: Path, outer: str, lock: Path) -> None:
    """Install what the lock names with uv, or with pip where uv is missing or cannot: pip knows more of a company's
    mirrors and certificates."""
    python, failure = folder / "bin" / "python", ""
    uv = find_uv(folder) or install_uv(folder, outer, lock)
    if uv is not None:
        try:
            return sync(uv, python, lock)
        except Unprepared as refusal:
            failure = f"{refusal}\n"
            say("uv cannot install this; trying pip")
    try:
        run([*pip(python, outer), "install", "-q", "--require-hashes", "-r", str(lock)], Progress("installing"))
    except Unprepared as refusal:
        raise Unprepared(f"{failure}{refusal}\n  Run the same command again to try again.") from None


def sync(uv: str, python: Path, lock: Path) -> None:
    """Let uv install what the lock names. It unpacks into its cache first, where the progress line reads how much."""
    asked = subprocess.run([uv, "cache", "dir"], stdout=subprocess.PIPE, text=True, check=False)
    growth = CacheGrowth(Path(asked.stdout.strip()))
    total = max(0, MEGABYTES.get(lock.name, 0) - measure(python.parent.parent))
    progress = Progress("installing", total, "MB", read=growth.megabytes)
    run([uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)], progress)


def describe_size(lock: Path) -> str:
    """How much a lock brings at most: "46 packages, about 140 MB"."""
    lines = re.findall(r"^[a-z0-9].*==.*", lock.read_text(encoding="ascii"), re.MULTILINE)
    packages = sum("sys_platform == 'win32'" not in line for line in lines)
    size = f", about {MEGABYTES[lock.name]} MB" if lock.name in MEGABYTES else ""
    return f"{packages} packages{size}"


def count_packages(folder: Path) -> int:
    return sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))


def find_uv(folder: Path) -> str | None:
    """A uv that runs; a shim of pyenv may exist and not work."""
    path = [str(folder / "bin"), str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)]
    uv = shutil.which("uv", path=os.pathsep.join(path))
    if uv is None or subprocess.run([uv, "--version"], capture_output=True, check=False).returncode != 0:
        return None
    return uv


def create(folder: Path, python: str, uv: str | None) -> None:
    if uv is not None:
        run([uv, "venv", "-q", "--python", python, str(folder)], Progress("making the environment"))
        return
    has_ensurepip = subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    options = [] if has_ensurepip else ["--without-pip"]
    run([python, "-m", "venv", *options, str(folder)], Progress("making the environment"))


def pip(python: Path, outer: str) -> list[str]:
    """The environment's own pip or, where Debian has split ensurepip off, the outer one acting on the environment."""
    if (python.parent / "pip").exists():
        return [str(python), "-m", "pip"]
    return [outer, "-m", "pip", "--python", str(python)]


def install_uv(folder: Path, outer: str, lock: Path) -> str | None:
    """uv, from the lock and by its hashes, installs the rest several times as fast; without it pip does the same."""
    entry = re.search(r"^uv==.*(?:\n .*)*", lock.read_text(encoding="ascii"), re.MULTILINE)
    if entry is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        only_uv = Path(scratch, "uv.txt")
        only_uv.write_text(entry.group() + "\n", encoding="ascii")
        arguments = ["install", "-q", "--require-hashes", "--only-binary", ":all:", "-r", str(only_uv)]
        with Progress("installing uv, the installer"):
            command = [*pip(folder / "bin" / "python", outer), *arguments]
            done = subprocess.run(command, capture_output=True, check=False)
    return find_uv(folder) if done.returncode == 0 else None


def run(command: list[str], progress: Progress) -> None:
    # A company's proxy may be known to the system's certificates alone.
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    with progress:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    if done.returncode != 0:
        tail = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-15:])
        raise Unprepared(f"this failed: {' '.join(command)}\n{tail}")


def say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)
