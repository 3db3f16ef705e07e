"""The clock and the operating system's generator."""

import os
import time


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
