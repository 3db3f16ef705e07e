"""Documents of others, fetched when needed and kept for a while: how long they serve, when they are asked for again.

Bounded in count and in age. Concurrent misses of one document make one fetch. What is wanted early (an unknown key id,
for a stranger chooses it) causes at most one fetch per document and minute.
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
    """One document: when it came, and when it was last asked for."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.value: Value | None = None
        self.fetched_at = 0
        self.tried_at = 0
        self.failure: Exception | None = None


class CachedDocuments(Generic[Value]):
    """Safe to share between threads.

    fresh_seconds   so long a document serves without a look
    stale_seconds   so long it serves while its place does not answer
    rest_seconds    so long a place that failed is left alone, and its failure is the answer; 0: it is asked each time
    """

    def __init__(self, clock: Tells, *, fresh_seconds: int, stale_seconds: int, rest_seconds: int = 0) -> None:
        self._clock = clock
        self._fresh_seconds, self._stale_seconds = fresh_seconds, stale_seconds
        self._rest_seconds = rest_seconds
        self._lock = Lock()
        self._places: OrderedDict[Hashable, _Kept[Value]] = OrderedDict()

    def get(self, key: Hashable, fetch: Callable[[], Value]) -> Value:
        """What is kept while it is fresh; else what a fetch brings; else, with its place down, what is kept.

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
        """One more look before it has become old, at most one a minute.

        known   what has been read, and is not enough
        """
        kept = self._place(key)
        with kept.lock:
            now = self._clock.now()
            if kept.value is not None and kept.value is not known:
                return kept.value  # somebody else has just looked
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
        """The one used longest ago makes room."""
        with self._lock:
            if key not in self._places and len(self._places) >= MAX_KEPT:
                self._places.popitem(last=False)
            self._places.setdefault(key, _Kept())
            self._places.move_to_end(key)
            return self._places[key]
