"""Caches records for up to 10 s, for requests that make no batch read otherwise."""

import threading
from collections import OrderedDict
from typing import Any, TypeVar

from chalicelib.ports import Clock, Reader
from chalicelib.records.item_keys import ItemKey

T = TypeVar("T")
AGE = 10
ENTRIES = 2000


class CachedItems:
    """Records by item key."""

    def __init__(self, records: dict[ItemKey[Any], Any]) -> None:
        self._records = records

    def get(self, item_key: ItemKey[T]) -> T | None:
        """The record, or None if there is none."""
        record: T | None = self._records.get(item_key)
        return record


class CachedRegistry:
    """Bounded in count and age, keyed by the full item key (GEN-16)."""

    def __init__(self, store: Reader, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: OrderedDict[ItemKey[Any], tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def lookup(
        self, *item_keys: ItemKey[Any], fresh: bool = False, absence_of: frozenset[ItemKey[Any]] = frozenset()
    ) -> CachedItems:
        """Return records from the cache if young enough, and read the rest in one batch."""
        now = self._clock.now()
        known = {} if fresh else self._young(item_keys, now, absence_of)
        missing = [item_key for item_key in item_keys if item_key not in known]
        if missing:
            found = self._store.read(*missing)
            known.update({item_key: found.get(item_key) for item_key in missing})
            self._remember({item_key: known[item_key] for item_key in missing}, now, absence_of)
        return CachedItems(known)

    def _young(
        self, item_keys: tuple[ItemKey[Any], ...], now: int, absence_of: frozenset[ItemKey[Any]]
    ) -> dict[ItemKey[Any], Any]:
        with self._lock:
            entries = {item_key: self._entries.get(item_key) for item_key in item_keys}
        return {
            item_key: entry[1]
            for item_key, entry in entries.items()
            if entry and 0 <= now - entry[0] < AGE and (entry[1] is not None or item_key in absence_of)
        }

    def _remember(self, records: dict[ItemKey[Any], Any], now: int, absence_of: frozenset[ItemKey[Any]]) -> None:
        """Cache an absence only for `absence_of`, so that ids invented by attackers evict nothing."""
        with self._lock:
            for item_key, record in records.items():
                self._entries.pop(item_key, None)
                if record is not None or item_key in absence_of:
                    self._entries[item_key] = (now, record)
            while len(self._entries) > ENTRIES:
                self._entries.popitem(last=False)
