"""Finds the best Python of this machine.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

from __future__ import annotations

import os
import subprocess
import sys

OLDEST = (3, 11)
# 3.13 is what the Lambda function runs on; newer ones may lack wheels.
PREFERRED = ((3, 13), (3, 12), (3, 11), (3, 14))

PROBE = (
    "import importlib.util as i, ssl, sys, venv;"
    "print(*sys.version_info[:3], i.find_spec('ensurepip') is not None, i.find_spec('pip') is not None, sys.executable)"
)


class Unprepared(Exception):
    """The machine lacks something; the message says what to type."""


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
