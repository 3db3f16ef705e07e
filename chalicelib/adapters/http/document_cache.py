"""Caches external documents: how long a copy is used, and when the document is fetched again.

Bounded in count and age. Concurrent misses of one document make one fetch. An early refetch (for an unknown key id,
which an attacker can choose) happens at most once per document and minute.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable

RETRY_SECONDS = 60
MAX_KEPT = 256

Value = TypeVar("Value")


class Tells(Protocol):
    """A clock in whole epoch seconds."""

    def now(self) -> int: ...


class _Kept(Generic[Value]):
    """One cached document: when it was fetched, and when a fetch was last tried."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.value: Value | None = None
        self.fetched_at = 0
        self.tried_at = 0
        self.failure: Exception | None = None


class CachedDocuments(Generic[Value]):
    """Safe to share between threads.

    fresh_seconds   how long a document is used without a fetch
    stale_seconds   how long it is used while its server fails
    rest_seconds    how long a failed server is not called and its error is raised again; 0: it is called each time
    """

    def __init__(self, clock: Tells, *, fresh_seconds: int, stale_seconds: int, rest_seconds: int = 0) -> None:
        self._clock = clock
        self._fresh_seconds, self._stale_seconds = fresh_seconds, stale_seconds
        self._rest_seconds = rest_seconds
        self._lock = Lock()
        self._places: OrderedDict[Hashable, _Kept[Value]] = OrderedDict()

    def get(self, key: Hashable, fetch: Callable[[], Value]) -> Value:
        """The cached document while it is fresh, else a fetched one. If the fetch fails, the stale document.

        Raises what `fetch` raises: ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """
        kept = self._place(key)
        with kept.lock:
            now = self._clock.now()
            if kept.value is not None and now - kept.fetched_at < self._fresh_seconds:
                return kept.value
            usable = kept.value is not None and now - kept.fetched_at < self._stale_seconds
            if usable and kept.value is not None and now - kept.tried_at < RETRY_SECONDS:
                return kept.value
            if kept.failure is not None and now - kept.tried_at < self._rest_seconds:
                raise kept.failure.with_traceback(None)
            kept.tried_at, kept.failure = now, None
            try:
                kept.value = fetch()
            except (ProviderUnavailable, ProviderRefused, ProviderMisbehaved) as error:
                if usable and kept.value is not None:
                    return kept.value
                kept.failure = error
                raise
            kept.fetched_at = now
            return kept.value

    def look_again(self, key: Hashable, fetch: Callable[[], Value], known: Value) -> Value:
        """Fetch again before the document is old, at most once a minute.

        known   the document that was read and does not suffice
        """
        kept = self._place(key)
        with kept.lock:
            now = self._clock.now()
            if kept.value is not None and kept.value is not known:
                return kept.value  # another thread has just fetched it
            if now - kept.tried_at < RETRY_SECONDS:
                return known
            kept.tried_at = now
            try:
                kept.value = fetch()
            except (ProviderUnavailable, ProviderRefused, ProviderMisbehaved):
                return known
            kept.fetched_at = now
            return kept.value

    def _place(self, key: Hashable) -> _Kept[Value]:
        """The entry for this key. A new one evicts the least recently used."""
        with self._lock:
            if key not in self._places and len(self._places) >= MAX_KEPT:
                self._places.popitem(last=False)
            self._places.setdefault(key, _Kept())
            self._places.move_to_end(key)
            return self._places[key]
