"""The version of a release. It is decided in pyproject.toml; the two packages for apps repeat it."""

import re
from pathlib import Path

SOURCE = "pyproject.toml"
REPEATED = ("clients/python/pyproject.toml", "clients/javascript/package.json")
FORM = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)", re.ASCII)
_STATED = re.compile(r'^(?P<before>version = "|  "version": ")(?P<version>[^"]+)"', re.MULTILINE)


def read_version(root: Path, name: str = SOURCE) -> str:
    """The version that a file states."""
    found = _STATED.search((root / name).read_text(encoding="utf-8"))
    return found["version"] if found else ""


def write_version(root: Path, version: str) -> None:
    """State a version in every file that has one."""
    for name in (SOURCE, *REPEATED):
        text = (root / name).read_text(encoding="utf-8")
        text = _STATED.sub(lambda found: f'{found["before"]}{version}"', text, count=1)
        (root / name).write_text(text, encoding="utf-8")
