"""The package as pip installs it, away from the repository; what it needs is in our environment."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.kit import ROOT

TAKEN = ("chalicelib", "cli", "clients", "demo", "infra", "local", "token_broker_testing")
FILES = ("LICENSE", "pyproject.toml", "setup.py")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules")
QUIET = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile")


def copy_source(folder: Path) -> Path:
    """What a package is built from, in a folder that the build may write to."""
    for name in TAKEN:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def install(source: Path, target: Path) -> Path:
    """The folder for PYTHONPATH that pip has installed `source` into: a checkout or a wheel."""
    command = [sys.executable, "-m", "pip", "install", *QUIET, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target
