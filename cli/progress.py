"""One line on a terminal that shows how far a command is; nothing where standard error is not a terminal.

Imported before `.venv` exists: the standard library only, and syntax that an old Python can read.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

BAR = 20
ERASE = "\r\x1b[K"
# Only one line is drawn at a time.
_innermost: Progress | None = None


class Progress:
    """A context manager. The line is erased at the end, so what the command prints stays as it is.

    Inside another one, it appears at the end of the outer line.

    total   how much there is to do, in `unit`; 0 where that is unknown, and the line then shows only the time
    read    called before each drawing for what is done, where nobody calls `advance`
    """

    def __init__(
        self,
        label: str,
        total: int = 0,
        unit: str = "",
        *,
        read: Callable[[], int] | None = None,
        stream: IO[str] | None = None,
    ) -> None:
        self._label, self._total, self._unit, self._read = label, total, unit, read
        self._stream = sys.stderr if stream is None else stream
        self._done, self._note = 0, ""
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._animate, daemon=True)
        self._inner: Progress | None = None
        self._outer: Progress | None = None

    def __enter__(self) -> Progress:
        global _innermost
        self._outer, _innermost = _innermost, self
        if self._outer is not None:
            self._outer._inner = self
        elif self._stream.isatty() and os.environ.get("TERM") != "dumb":
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        global _innermost
        if _innermost is self:
            _innermost = self._outer
        if self._outer is not None:
            self._outer._inner = None
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._write(ERASE)

    def note(self, text: str) -> None:
        """Show what is being worked on."""
        self._note = text

    def advance(self, note: str = "") -> None:
        """Count one more as done."""
        self._done, self._note = self._done + 1, note or self._note

    def say(self, line: str) -> None:
        """Print a line to standard output, above the progress."""
        if self._outer is not None:
            return self._outer.say(line)
        with self._lock:
            if self._thread.ident is not None and not self._over.is_set():
                self._write(ERASE)
            print(line, flush=True)

    def describe(self, width: int) -> str:
        """The line as it is now, at most `width` columns."""
        if self._read is not None:
            self._done = max(self._done, self._read())
        inner = self._inner
        seconds = f"{int(time.monotonic() - self._begun)} s"
        parts = [self._label, seconds, self._note]
        if self._total:
            full = min(BAR, BAR * self._done // self._total)
            count = f"{min(self._done, self._total)} of {self._total} {self._unit}".rstrip()
            bar = f"{self._label} [{'#' * full}{'-' * (BAR - full)}]"
            parts = [bar, count, "" if self._unit == "s" else seconds, self._note]
        parts += [inner.describe(width)] if inner is not None else []
        return "  ".join(part for part in parts if part)[:width]

    def _animate(self) -> None:
        while not self._over.wait(0.1):
            with self._lock:
                self._write(ERASE + self.describe(shutil.get_terminal_size().columns - 1))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def over(label: str, seconds: float) -> Progress:
    """Progress of a command that takes a time that is known before."""
    begun = time.monotonic()
    return Progress(label, max(1, int(seconds)), "s", read=lambda: int(time.monotonic() - begun))
