#!/usr/bin/env python3
"""Every command of the repository: `python3 dev.py` lists them.

Rules kept here: the standard library only, and syntax that an old Python can read, until the environment `.venv` is
made. It is made by the best Python of the machine from the hash lock, once per lock, and the command then runs in it.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

from local import command_errors
from local.commands import COMMANDS, overview

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = (ROOT / ".venv").resolve()
LOCK = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)
# 3.13 is what the Lambda function runs on; newer ones may lack wheels.
PREFERRED = ((3, 13), (3, 12), (3, 11), (3, 14))

PROBE = (
    "import importlib.util as i, ssl, sys, venv;"
    "print(*sys.version_info[:3], i.find_spec('ensurepip') is not None, i.find_spec('pip') is not None, sys.executable)"
)


class Unprepared(Exception):
    """The machine lacks something; the message says what to type."""


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"Token Broker {version()}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else "'python3 dev.py' lists the commands."
        print(f"dev.py: no command '{name}'; {hint}", file=sys.stderr)
        return 2
    try:
        python = make_environment(ENVIRONMENT, LOCK)
    except Unprepared as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"dev.py: {command_errors.describe_file(error)}", file=sys.stderr)
        return 1
    if Path(sys.prefix).resolve() != ENVIRONMENT:
        sys.stdout.flush()
        os.execv(python, [str(python), str(ROOT / "dev.py"), *arguments])
    sys.argv = [f"dev.py {name}", *rest]
    return command_errors.run(f"dev.py {name}", COMMANDS[name][0], rest)


def version() -> str:
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "unknown"


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
    python = folder / "bin" / "python"
    kept = python.exists() and probe(str(python)) is not None
    if kept:
        outer = str(python)
        say(f"bringing {folder.name} up to {lock.name}; once per lock, about a minute")
    else:
        shutil.rmtree(folder, ignore_errors=True)
        outer, version = find_python(find_uv(folder) is not None)
        say(f"making {folder.name} with Python {version} ({outer}) from {lock.name}; once per lock, about a minute")
        create(folder, outer, find_uv(folder))
    uv = find_uv(folder) or install_uv(folder, outer, lock)
    if uv is not None:
        run([uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)])
    else:
        run([*pip(python, outer), "install", "-q", "--require-hashes", "-r", str(lock)])


def find_uv(folder: Path) -> str | None:
    """A uv that runs; a shim of pyenv may exist and not work."""
    path = [str(folder / "bin"), str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)]
    uv = shutil.which("uv", path=os.pathsep.join(path))
    if uv is None or subprocess.run([uv, "--version"], capture_output=True, check=False).returncode != 0:
        return None
    return uv


def find_python(has_uv: bool) -> tuple[str, str]:
    """The best Python of this machine and its version. Each is run: a shim of pyenv may exist and not work."""
    found: dict[tuple[int, ...], str] = {}
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"])
    folders = list(dict.fromkeys(path.split(os.pathsep)))
    names = [f"python{major}.{minor}" for major, minor in PREFERRED]
    candidates = [sys.executable, *(os.path.join(folder, name) for name in names for folder in folders)]
    candidates += [os.path.join(folder, "python3") for folder in folders]
    for candidate in candidates:
        answer = probe(candidate) if candidate and os.access(candidate, os.X_OK) else None
        if answer is not None and (has_uv or answer[1]) and answer[0] >= OLDEST:
            found.setdefault(answer[0], answer[2])
            if answer[0][:2] == PREFERRED[0]:
                break
    for wanted in (*PREFERRED, None):
        for version, candidate in found.items():
            if wanted in (None, version[:2]):
                return candidate, ".".join(map(str, version))
    oldest = ".".join(map(str, OLDEST))
    raise Unprepared(
        f"found no Python {oldest} or newer that can make an environment.\n"
        "  Debian, Ubuntu:  apt-get install -y python3 python3-venv\n"
        "  macOS:           brew install python@3.13"
    )


def probe(python: str) -> tuple[tuple[int, ...], bool, str] | None:
    """Version, whether it can put pip into an environment, and the program behind a shim; None if it does not work."""
    try:
        answer = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, patch, ensurepip, outer_pip, program = answer.strip().split(" ", 5)
    return (int(major), int(minor), int(patch)), "True" in (ensurepip, outer_pip), program


def create(folder: Path, python: str, uv: str | None) -> None:
    if uv is not None:
        run([uv, "venv", "-q", "--python", python, str(folder)])
        return
    has_ensurepip = subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    run([python, "-m", "venv", *([] if has_ensurepip else ["--without-pip"]), str(folder)])


def pip(python: Path, outer: str) -> list[str]:
    """The environment's own pip or, where Debian has split ensurepip off, the outer one acting on the environment."""
    if (python.parent / "pip").exists():
        return [str(python), "-m", "pip"]
    return [outer, "-m", "pip", "--python", str(python)]


def install_uv(folder: Path, outer: str, lock: Path) -> str | None:
    """uv, from the lock, installs the rest several times as fast; without it pip does the same."""
    entry = re.search(r"^uv==.*(?:\\\n.*)*", lock.read_text(encoding="ascii"), re.MULTILINE)
    if entry is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        only_uv = Path(scratch, "uv.txt")
        only_uv.write_text(entry.group() + "\n", encoding="ascii")
        arguments = ["install", "-q", "--require-hashes", "--only-binary", ":all:", "-r", str(only_uv)]
        done = subprocess.run([*pip(folder / "bin" / "python", outer), *arguments], capture_output=True, check=False)
    return find_uv(folder) if done.returncode == 0 else None


def run(command: list[str]) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-15:])
        raise Unprepared(f"this failed: {' '.join(command)}\n{tail}\n  Run the same command again to try again.")


def say(text: str) -> None:
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
