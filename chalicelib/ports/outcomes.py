"""What a read or a conditional write of the store returns, and how it fails."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from chalicelib.records.item_keys import ItemKey

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The table or the key service did not respond, so nothing may be concluded (GEN-13)."""


class ItemUnreadable(StoreUnavailable):
    """An item exists but cannot be decoded: it was altered, or a newer release wrote it."""


@dataclass(frozen=True)
class Written(Generic[T]):
    """The conditional write took effect, in this call or in an earlier try whose response was lost.

    item   as it is stored
    """

    item: T


@dataclass(frozen=True)
class Refused(Generic[T]):
    """The condition did not hold; `found` is the item as it was stored, or None if there is none."""

    found: T | None


class Items(Protocol):
    """The records of one batch read."""

    def get(self, place: ItemKey[T]) -> T | None:
        """The record of an item key that was read; None if there is no such item."""


class Reader(Protocol):
    """Reads records of any kind by their keys. Raises StoreUnavailable."""

    def read(self, *item_keys: ItemKey[Any]) -> Items:
        """Strongly consistent batch read over both tables; an unprocessed key is an error, never an absence."""
