"""Rate limits per window, counted in blocks, so that most uses make no call to the table.

A process counts a block in memory and then adds it to the shared counter. A block is a twentieth of the limit. So C
processes allow at most limit + (C - 1) x (block - 1) uses, one process allows exactly the limit, and no use below the
limit is refused.
"""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from chalicelib.ports import Allowed, OverLimit

if TYPE_CHECKING:
    from chalicelib.ports.requests import CounterStore

WINDOW_SECONDS = 60
SHARES = 20
ENTRIES = 10_000


def block_of(limit: int) -> int:
    """Uses that one process counts in memory before it updates the table."""
    return max(1, limit // SHARES)


class _Counter:
    """The state of one name in one window, in this process.

    told      sum in the table at the last update
    untold    uses since then
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ends_at = 0
        self.told = 0
        self.untold = 0
        self.is_over = False

    def begin(self, ends_at: int) -> None:
        """Start a window. Uncounted uses of the last window do not count in this one."""
        self.ends_at, self.told, self.untold, self.is_over = ends_at, 0, 0, False


class BlockLimiter:
    """Bounded in count: the least recently used name is dropped, with less than a block of its uses."""

    def __init__(self, store: "CounterStore", *, entries: int = ENTRIES) -> None:
        self._store = store
        self._most = entries
        self._counters: OrderedDict[str, _Counter] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, name: str, *, limit: int, now: int, seconds: int = WINDOW_SECONDS) -> Allowed | OverLimit:
        """Count one use. Over the limit, the table is updated once and then not again in this window."""
        ends_at = now - now % seconds + seconds
        counter = self._counter(name)
        with counter.lock:
            if counter.ends_at != ends_at:
                counter.begin(ends_at)
            if counter.is_over:
                return OverLimit(retry_after=ends_at - now, first=False)
            counter.untold += 1
            if counter.untold < block_of(limit) and counter.told + counter.untold <= limit:
                return Allowed()
            before = self._tell(name, counter)
            if counter.told <= limit:
                return Allowed()
            counter.is_over = True
            return OverLimit(retry_after=ends_at - now, first=before <= limit)

    def _tell(self, name: str, counter: _Counter) -> int:
        """Add the new uses to the table and return the sum before. If the table fails, no use is lost."""
        told = self._store.count(f"use#{name}", amount=counter.untold, window_ends_at=counter.ends_at)
        before, counter.told, counter.untold = told - counter.untold, told, 0
        return before

    def _counter(self, name: str) -> _Counter:
        with self._lock:
            counter = self._counters.pop(name, None) or _Counter()
            self._counters[name] = counter
            while len(self._counters) > self._most:
                self._counters.popitem(last=False)
            return counter
