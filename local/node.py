"""Node and the npm packages of tests/interop/clients, where Node is present: installed once per lock, never committed.

A lock holds names, versions and hashes and no addresses: npm asks the registry that it is set up for.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cli.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "interop" / "clients"
PROJECTS = FOLDER / "projects"  # what copied projects need
# Where a package comes from and who may be paid for it differ by place and day; its hash does not.
LEFT_OUT = ("resolved", "funding")
# A library for phones wants all of React Native beside it (a peer), of which only its types would be read.
QUIET = ("--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-update-notifier")


class NoNode(Exception):
    """Node or npm is not here, or npm could not install; the message says what to do."""


def why_no_node() -> str:
    """The missing program; empty if Node and npm are installed."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"{' and '.join(missing)} not installed (apt-get install -y nodejs npm)" if missing else ""


def install_packages(folder: Path = FOLDER) -> Path:
    """The folder `node_modules` with what the lock names; made when it is missing or of another lock. Raises NoNode."""
    if missing := why_no_node():
        raise NoNode(missing)
    modules, lock = folder / "node_modules", folder / "package-lock.json"
    stamp, digest = modules / ".lock.sha256", hashlib.sha256(lock.read_bytes()).hexdigest()
    with _only_one(folder):
        if not stamp.is_file() or stamp.read_text(encoding="ascii").strip() != digest:
            _npm(folder, "ci")
            stamp.write_text(digest + "\n", encoding="ascii")
    return modules


def write_lock(folder: Path = FOLDER, *, upgrade: bool = False) -> Path:
    """Write package-lock.json from package.json; with `upgrade` the newest releases into both. Raises NoNode."""
    if missing := why_no_node():
        raise NoNode(missing)
    package, lock = folder / "package.json", folder / "package-lock.json"
    names = json.loads(package.read_text(encoding="utf-8"))["dependencies"]
    wanted = [f"{name}@latest" for name in names] if upgrade else []
    _npm(folder, "install", "--package-lock-only", "--save-exact", *wanted)
    document = json.loads(lock.read_text(encoding="utf-8"))
    for entry in document["packages"].values():
        for member in LEFT_OUT:
            entry.pop(member, None)
    lock.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return lock


def _npm(folder: Path, *arguments: str) -> None:
    with Progress(f"npm {arguments[0]}"):
        done = subprocess.run(
            ["npm", *arguments, *QUIET],
            cwd=folder,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        tail = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-15:])
        raise NoNode(f"this failed: npm {' '.join(arguments)}\n{tail}")


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two test processes make one folder: the second waits for the first."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
