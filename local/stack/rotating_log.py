"""A log whose end is stored in two files of bounded size for `broker explain`, and that can go to a stream too."""

import io
import threading
from pathlib import Path
from typing import TextIO

MAX_BYTES = 1 << 20


class KeptLog(io.TextIOBase):
    """Writes to a file and to a stream, if there is one; a full file replaces the older one."""

    def __init__(self, stream: TextIO | None, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._stream, self._path, self._max_bytes = stream, path, max_bytes
        self._older, self._lock, self._written = path.with_suffix(".old"), threading.Lock(), 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self.remove()

    @property
    def files(self) -> tuple[Path, ...]:
        """Older first."""
        return self._older, self._path

    def write(self, text: str) -> int:
        """Lines are whole, since the log writes one at a time."""
        with self._lock:
            if self._stream:
                self._stream.write(text)
            if self._written > self._max_bytes:
                self._path.replace(self._older)
                self._written = 0
            with self._path.open("a", encoding="utf-8") as kept:
                kept.write(text)
            self._written += len(text)
        return len(text)

    def flush(self) -> None:
        """Of the stream; the file is closed after each line."""
        if self._stream:
            self._stream.flush()

    def remove(self) -> None:
        """The files go with the stack."""
        for path in self.files:
            path.unlink(missing_ok=True)
