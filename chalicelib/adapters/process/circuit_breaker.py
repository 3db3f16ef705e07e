"""Stops calling a failing provider: if half of the last 20 calls failed, the breaker opens for a minute."""

import threading
from collections import deque

CALLS, OPEN_SECONDS = 20, 60


class CircuitBreaker:
    """The recent calls of this process to each provider. After the pause, the next call closes or reopens the
    breaker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, deque[bool]] = {}
        self._open_until: dict[str, int] = {}

    def retry_at(self, provider_id: str, now: int) -> int:
        """Until when the breaker is open; 0 if the provider may be called."""
        with self._lock:
            until = self._open_until.get(provider_id, 0)
        return until if until > now else 0

    def note(self, provider_id: str, *, worked: bool, now: int) -> None:
        """Record the result of one call."""
        with self._lock:
            calls = self._calls.setdefault(provider_id, deque(maxlen=CALLS))
            calls.append(worked)
            tested = 0 < self._open_until.get(provider_id, 0) <= now
            if tested:
                del self._open_until[provider_id]
            if worked and tested:
                calls.clear()
            elif tested or (len(calls) == CALLS and calls.count(False) * 2 >= CALLS):
                self._open_until[provider_id] = now + OPEN_SECONDS
