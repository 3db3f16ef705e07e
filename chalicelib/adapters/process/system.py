"""The clock, waiting, a request's time limit, and the operating system's generator."""

import os
import threading
import time

FUNCTION_SECONDS = 25.0


class SystemClock:
    """Wall clock; everything is judged by it at use, so a frozen process loses nothing."""

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
        """Return after so many seconds."""
        time.sleep(seconds)


class RequestDeadline:
    """Our own limit, below the 29 s of gateway and function; each thread serves one request at a time."""

    def __init__(self, seconds: float = FUNCTION_SECONDS) -> None:
        self._seconds = seconds
        self._local = threading.local()

    def begin(self) -> None:
        """A request begins, in this thread."""
        self._local.end = time.monotonic() + self._seconds

    def left(self) -> float:
        """Seconds; all of them where no request has begun."""
        end: float | None = getattr(self._local, "end", None)
        return self._seconds if end is None else end - time.monotonic()
