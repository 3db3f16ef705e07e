"""Records that may be up to 10 s old where no batch read is made anyway."""

import threading
from collections import OrderedDict
from typing import Any, TypeVar

from chalicelib.ports import Clock, Store
from chalicelib.records.item_keys import ItemKey

T = TypeVar("T")
AGE = 10
ENTRIES = 2000


class CachedItems:
    """Records by place."""

    def __init__(self, records: dict[ItemKey[Any], Any]) -> None:
        self._records = records

    def get(self, place: ItemKey[T]) -> T | None:
        """The record, or None where nothing stands there."""
        record: T | None = self._records.get(place)
        return record


class CachedRegistry:
    """Bounded in count and age, keyed by the full key of the item (GEN-16)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: OrderedDict[ItemKey[Any], tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def lookup(
        self, *places: ItemKey[Any], fresh: bool = False, absence_of: frozenset[ItemKey[Any]] = frozenset()
    ) -> CachedItems:
        """From the cache where young enough, the rest in one batch read."""
        now = self._clock.now()
        known = {} if fresh else self._young(places, now, absence_of)
        missing = [place for place in places if place not in known]
        if missing:
            found = self._store.read(*missing)
            known.update({place: found.get(place) for place in missing})
            self._remember({place: known[place] for place in missing}, now, absence_of)
        return CachedItems(known)

    def _young(
        self, places: tuple[ItemKey[Any], ...], now: int, absence_of: frozenset[ItemKey[Any]]
    ) -> dict[ItemKey[Any], Any]:
        with self._lock:
            entries = {place: self._entries.get(place) for place in places}
        return {
            place: entry[1]
            for place, entry in entries.items()
            if entry and 0 <= now - entry[0] < AGE and (entry[1] is not None or place in absence_of)
        }

    def _remember(self, records: dict[ItemKey[Any], Any], now: int, absence_of: frozenset[ItemKey[Any]]) -> None:
        """An absence only where it may be believed later: ids that strangers make up push nothing out."""
        with self._lock:
            for place, record in records.items():
                self._entries.pop(place, None)
                if record is not None or place in absence_of:
                    self._entries[place] = (now, record)
            while len(self._entries) > ENTRIES:
                self._entries.popitem(last=False)
