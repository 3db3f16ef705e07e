"""A deployment in which commands are carried out without a write: what they would write is read back from memory."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.dynamodb.store import DynamoStore
from chalicelib.adapters.dynamodb.tables import FoundItems
from chalicelib.records.item_keys import OWN_ITEM_KEYS, ItemKey
from chalicelib.records.job import Job
from cli.deployment.operations import Deployment

T = TypeVar("T", bound=msgspec.Struct)
Written = dict[str, msgspec.Struct | None]
READS = frozenset({"BatchGetItem", "Query", "Scan", "Decrypt"})


class PlanWrote(Exception):
    """A plan tried to change something: a fault of this command."""


class ReadOnly:
    """A transport that refuses every call which is not known to read."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    @property
    def ahead(self) -> int:
        """Seconds by which the clock of AWS is ahead."""
        return int(getattr(self._inner, "ahead", 0))

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt. Raises PlanWrote."""
        if operation not in READS:
            raise PlanWrote(operation)
        return self._inner.call(operation, payload)


class RehearsedItems:
    """The items of one read, after all writes."""

    def __init__(self, found: FoundItems, written: Written) -> None:
        self._found, self._written = found, dict(written)

    def get(self, place: ItemKey[Any]) -> Any:
        """The record, or None if there is none."""
        return self._written[place.pk] if place.pk in self._written else self._found.get(place)


class RehearsedStore:
    """The store, with what was written in memory."""

    def __init__(self, store: DynamoStore, written: Written) -> None:
        self._store, self._written = store, written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, *places: ItemKey[Any]) -> "RehearsedItems":
        """As the store reads them after all writes."""
        return RehearsedItems(self._store.read(*places), self._written)

    def put_job(self, job: Job) -> None:
        """A plan has no jobs."""


class Rehearsal(Deployment):
    """The deployment, read for real and written in memory."""

    def __init__(self, real: Deployment) -> None:
        super().__init__(real.settings, dynamodb=ReadOnly(real.dynamodb), kms=ReadOnly(real.kms))
        self._written: Written = {}
        self.store = RehearsedStore(self.store, self._written)  # type: ignore[assignment]

    def put_if_absent(self, place: ItemKey[Any], record: msgspec.Struct, *, purge_at: int | None = None) -> bool:
        """False if there is such an item."""
        if self._find(place) is not None:
            return False
        self._written[place.pk] = record
        return True

    def put(self, place: ItemKey[Any], record: msgspec.Struct) -> None:
        """Write, and overwrite any existing item."""
        self._written[place.pk] = record

    def put_fields(
        self, place: ItemKey[T], record: T, *names: str, read: T | None = None, unchanged: Iterable[str] = ()
    ) -> T | None:
        """None if one of these fields is no longer as it was read."""
        present = self._find(place)
        if read is not None and (
            present is None or any(getattr(present, name) != getattr(read, name) for name in (*names, *unchanged))
        ):
            return None
        written = record if present is None else replace(present, **{name: getattr(record, name) for name in names})
        self._written[place.pk] = written
        return written

    def delete(self, place: ItemKey[Any]) -> bool:
        """True if the item existed."""
        existed = self._find(place) is not None
        self._written[place.pk] = None
        return existed

    def scan(self, prefix: str, record: type[Any]) -> list[Any]:
        """Every record of one kind, in no order."""
        mine = {pk: one for pk, one in self._written.items() if pk.startswith(prefix)}
        others = [one for one in super().scan(prefix, record) if OWN_ITEM_KEYS[record](one).pk not in mine]
        return [*others, *(one for one in mine.values() if one is not None)]

    def _find(self, place: ItemKey[T]) -> T | None:
        found: T | None = self.store.read(place).get(place)
        return found
