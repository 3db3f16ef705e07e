"""The journal of the local AWS: one line for each change, so that a killed process loses nothing it acknowledged.

Each line is one JSON object: items as they are after one write, or all KMS keys. A line is written before the response
is sent. A process that is killed while it writes leaves half a line at the end; the write had no response, so the line
is dropped.
"""

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMPACT_BYTES = 4 << 20
PURGE_AT = "purge_at"  # epoch seconds, as infra/resources.json names it
Item = dict[str, Any]


class StateTaken(Exception):
    """Another process uses this folder."""


class StateDamaged(Exception):
    """A line before the last one cannot be read; the message says what to type."""


@dataclass(frozen=True)
class Change:
    """One item as it is now; None: there is no such item."""

    table: str
    key: Item
    item: Item | None


@dataclass
class Contents:
    """What a journal says in the end.

    items   table -> key as JSON text -> item
    keys    KMS keys, as `local/stack/journal/kms_keys.py` describes them
    """

    items: dict[str, dict[str, Item]] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, line: dict[str, Any]) -> None:
        """Take in one line."""
        self.keys = line.get("keys", self.keys)
        for table, key, item in line.get("changes", ()):
            name, items = json.dumps(key, sort_keys=True), self.items.setdefault(table, {})
            if item is None:
                items.pop(name, None)
            else:
                items[name] = item

    def purge(self, now: float) -> None:
        """Forget items that DynamoDB would have deleted by now (TTL)."""
        for items in self.items.values():
            for name in [name for name, item in items.items() if _is_purged(item, now)]:
                del items[name]

    def lines(self) -> Iterable[bytes]:
        """The shortest journal that says the same."""
        yield _encode({"keys": self.keys})
        for table, items in self.items.items():
            for name, item in items.items():
                yield _encode({"changes": [[table, json.loads(name), item]]})


class Journal:
    """The journal of one folder, which no other process can use at the same time. Raises StateTaken, StateDamaged."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / "journal.jsonl"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._guard = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._guard)
            raise StateTaken from None
        self._lock = threading.Lock()
        self.contents = _read(self._path)
        self.contents.purge(time.time())
        self._compact()

    def record(self, changes: Iterable[Change]) -> None:
        """Write changes that one request made together. Raises OSError; then nothing more can be recorded."""
        self._append({"changes": [[change.table, change.key, change.item] for change in changes]})

    def record_keys(self, keys: list[dict[str, Any]]) -> None:
        """Write all KMS keys, with their key material. Raises OSError."""
        self._append({"keys": keys})

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self._descriptor)
        os.close(self._guard)

    def _append(self, line: dict[str, Any]) -> None:
        data = _encode(line)
        with self._lock:
            if os.write(self._descriptor, data) != len(data):
                os.close(self._descriptor)  # half a line must stay the last one: every later write fails
                raise OSError("the journal cannot be written completely")
            self.contents.apply(line)
            self._size += len(data)
            if self._size > 2 * self._compact_size + COMPACT_BYTES:
                os.close(self._descriptor)
                self._compact()

    def _compact(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(self.contents.lines())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self._size = self._compact_size = self._path.stat().st_size


def forget(folder: Path) -> None:
    """Delete what a folder holds. Raises StateTaken where a process uses it."""
    if not folder.exists():
        return
    guard = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
    except BlockingIOError:
        raise StateTaken from None
    finally:
        os.close(guard)


def _read(path: Path) -> Contents:
    contents = Contents()
    if not path.exists():
        return contents
    *whole, _rest = path.read_bytes().split(b"\n")
    for number, line in enumerate(whole, start=1):
        try:
            contents.apply(json.loads(line))
        except (ValueError, TypeError, AttributeError):
            raise StateDamaged(f"line {number} of {path} cannot be read; --fresh starts empty") from None
    return contents


def _is_purged(item: Item, now: float) -> bool:
    return PURGE_AT in item and float(item[PURGE_AT]["N"]) <= now


def _encode(line: dict[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"
