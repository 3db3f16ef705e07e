"""A copy of this repository, committed, to change it and to run its commands."""

import subprocess
from pathlib import Path

from tests.kit import ROOT

# Environments are not copied: the copy uses those of this repository.
ENVIRONMENTS = (".venv", ".venv-docs")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Change")


def clone(folder: Path) -> Path:
    """Every file that is or would be committed here, as the one commit of a new repository."""
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
    for name in ENVIRONMENTS:
        if (ROOT / name).exists():
            (folder / name).symlink_to((ROOT / name).resolve())
    git(folder, "init", "-q")
    (folder / ".git" / "info" / "exclude").write_text("\n".join(ENVIRONMENTS))
    commit(folder)
    return folder
