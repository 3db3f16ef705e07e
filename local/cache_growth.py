"""How much uv has unpacked into its cache since a moment, for a progress line.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

from __future__ import annotations

import os
from pathlib import Path

MEGABYTE = 1_000_000


class CacheGrowth:
    """uv unpacks each package into a folder `.tmp...` of its cache, then moves it to `archive-v0`.

    cache   as `uv cache dir` prints it; it need not exist yet
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known = set(self._entries())
        self._moved: dict[str, int] = {}

    def megabytes(self) -> int:
        """How much has come since."""
        total = 0
        for path in self._entries():
            if path in self._known:
                continue
            if path in self._moved:
                total += self._moved[path]
                continue
            size = count_bytes(path)
            if ".tmp" not in path:
                self._moved[path] = size
            total += size
        return total // MEGABYTE

    def _entries(self) -> list[str]:
        unpacking = [path for path in _list(self._cache) if os.path.basename(path).startswith(".tmp")]
        return unpacking + _list(self._cache / "archive-v0")


def measure(folder: Path) -> int:
    """The megabytes of a folder."""
    return count_bytes(str(folder)) // MEGABYTE


def count_bytes(path: str) -> int:
    """The bytes of all files under a folder; a file that goes meanwhile counts as nothing."""
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total


def _list(folder: Path) -> list[str]:
    try:
        return [entry.path for entry in os.scandir(str(folder))]
    except OSError:
        return []
