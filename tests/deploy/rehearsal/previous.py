"""The release before this one, built from the commit that it was: its package and its template."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from local.package.package import ROOT, build_package
from local.package.template import build_template

COMMIT = "46761fa2ac6e3ec9f18f25166d6567079edf46e8"


class NotInThisClone(Exception):
    """The commit is not here: a shallow clone, or an archive without git."""


def build_previous(folder: Path) -> tuple[dict[str, Any], Path]:
    """Template and package of the previous release, for this machine. Raises NotInThisClone."""
    tree = extract_previous(folder, "app.py", "chalicelib", ".chalice", "infra", "requirements.txt")
    package = folder / "previous.zip"
    build_package(package, arch="host", root=tree, requirements=tree / "requirements.txt")
    return build_template(f"./{package.name}", arch="arm64", root=tree), package


def extract_previous(folder: Path, *paths: str) -> Path:
    """These paths of its tree, in a folder of their own below this one. Raises NotInThisClone."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", COMMIT, *paths], capture_output=True, check=False)
    if archive.returncode:
        raise NotInThisClone(f"{COMMIT[:12]} is not in this clone: git fetch --unshallow")
    tree = folder / "previous"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tree, filter="data")
    return tree
