"""Limits on uses of a minute, or of another window, counted in blocks: well under one call of the table for each use.

A process spends a block by itself and then adds it to the counter that all processes share. A block is a twentieth of
the limit. So C processes never allow more than limit + (C - 1) x (block - 1), one alone allows the limit exactly, and
nobody is refused below it.
"""

import threading
from collections import OrderedDict

from chalicelib.ports import Allowed, OverLimit, Store

WINDOW_SECONDS = 60
SHARES = 20
ENTRIES = 10_000


def block_of(limit: int) -> int:
    """Uses that one process keeps to itself before it tells the table."""
    return max(1, limit // SHARES)


class _Counter:
    """What this process knows of one name in one window.

    told      the sum in the table, when it was last told
    untold    uses since then
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ends_at = 0
        self.told = 0
        self.untold = 0
        self.is_over = False

    def begin(self, ends_at: int) -> None:
        """A window begins: what was not told of the last one does not count in this one."""
        self.ends_at, self.told, self.untold, self.is_over = ends_at, 0, 0, False


class BlockLimiter:
    """Bounded in count: the name that was not used for longest is forgotten, with less than a block of its uses."""

    def __init__(self, store: Store, *, entries: int = ENTRIES) -> None:
        self._store = store
        self._most = entries
        self._counters: OrderedDict[str, _Counter] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, name: str, *, limit: int, now: int, seconds: int = WINDOW_SECONDS) -> Allowed | OverLimit:
        """One use. Over the limit the table is told once, and left alone for the rest of the window."""
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
        """Add what was not told; the sum before it. Where the table does not answer nothing is forgotten."""
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
