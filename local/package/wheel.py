"""The wheel of the command `token-broker`: the same tree and setuptools give the same bytes, without a network.

It is built from a copy of the files that git tracks, so nothing else of a checkout gets into it.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.package.package import ROOT, PackagingError, run

TAKEN = ("LICENSE", "pyproject.toml", "setup.py", "chalicelib", "cli", "clients", "demo", "infra", "local")
PACKAGE = "token_broker_testing"
# The hook that pip calls (PEP 517), with the setuptools of the lock.
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
OLDEST_DATE_OF_ZIP = "315532800"


def build_wheel(folder: Path, root: Path = ROOT) -> Path:
    """Build the wheel of `token-broker` into `folder`. Raises PackagingError."""
    return build_wheel_from(root, tracked_files(root), folder)


def build_wheel_from(root: Path, names: Iterable[str], folder: Path) -> Path:
    """Build the wheel of these files below `root` into `folder`. Raises PackagingError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="broker-wheel-") as scratch:
        source, built = Path(scratch, "source"), Path(scratch, "built")
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, source / name)
            (source / name).chmod(0o644)
        run([sys.executable, "-c", BUILD, str(built)], folder=source, environ={"SOURCE_DATE_EPOCH": OLDEST_DATE_OF_ZIP})
        (wheel,) = built.glob("*.whl")
        return Path(shutil.copy(wheel, folder))


def tracked_files(root: Path) -> Iterator[str]:
    """Names below `root` of what the wheel is built from. Raises PackagingError."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--", *TAKEN, PACKAGE]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    names = [name for name in listing.stdout.split("\0") if name and (root / name).is_file()]
    if f"{PACKAGE}/running.py" not in names:
        raise PackagingError(f"git knows no package in {root}; build the wheel in a clone")
    yield from names
