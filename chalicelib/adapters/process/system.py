"""The clock, sleeping, a request's deadline, and the operating system's random generator."""

import os
import threading
import time

FUNCTION_SECONDS = 25.0


class SystemClock:
    """Wall clock. Every age is computed at use, so a frozen process resumes correctly."""

    def now(self) -> int:
        """Whole epoch seconds."""
        return int(time.time())


class SystemEntropy:
    """os.urandom, nothing else (GEN-11)."""

    def token_bytes(self, count: int) -> bytes:
        """Fresh random bytes."""
        return os.urandom(count)


class SystemSleeper:
    """Real time."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        time.sleep(seconds)


class RequestDeadline:
    """The broker's own limit, below the 29 s of gateway and function. Each thread serves one request at a time."""

    def __init__(self, seconds: float = FUNCTION_SECONDS) -> None:
        self._seconds = seconds
        self._local = threading.local()

    def begin(self) -> None:
        """A request begins in this thread."""
        self._local.end = time.monotonic() + self._seconds

    def left(self) -> float:
        """Seconds left; the full limit if no request has begun."""
        end: float | None = getattr(self._local, "end", None)
        return self._seconds if end is None else end - time.monotonic()
