"""Two regions whose tables are copied as DynamoDB's global tables are: each write is sent whole, later, in any order,
and of two writes of one item the later one stays."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import Broker
from local.stack.resources import create_tables
from tests.kit.http.stack import Stack

OTHER = {"a": "b", "b": "a"}
WRITES = ("PutItem", "UpdateItem", "DeleteItem")
Names = tuple[str, str]


class Image(NamedTuple):
    """One item as a write left it. item: nothing where it was deleted; at: in which order it was written."""

    table: int
    key: Mapping[str, Any]
    item: Mapping[str, Any] | None
    at: int


class GlobalTables:
    """The same two tables in `a` and `b`, and what is on its way between them.

    waiting   what was written in a region, oldest first, and has not been sent
    """

    def __init__(self, transport: Transport, names: Mapping[str, Names]) -> None:
        self.transport, self.names = transport, names
        self.waiting: dict[str, list[Image]] = {"a": [], "b": []}
        self._times, self._written = itertools.count(1), dict[tuple[str, int, str], int]()

    def written(self, letter: str, payload: Mapping[str, Any]) -> None:
        """A write of a region was done: what stands there now waits to be sent."""
        table = self.names[letter].index(payload["TableName"])
        named = payload.get("Key") or payload["Item"]
        key = {name: named[name] for name in ("pk", "sk")}
        asked = {"TableName": payload["TableName"], "Key": key, "ConsistentRead": True}
        image = Image(table, key, self.transport.call("GetItem", asked).get("Item"), next(self._times))
        self._written[letter, table, str(key)] = image.at
        self.waiting[letter].append(image)

    def send(self, letter: str, order: Callable[[Sequence[Image]], Sequence[Image]] = tuple) -> Sequence[Image]:
        """All that waits in a region arrives in the other, in this order; what was sent."""
        sent, self.waiting[letter] = self.waiting[letter], []
        for image in order(sent):
            self._arrive(OTHER[letter], image)
        return sent

    def _arrive(self, letter: str, image: Image) -> None:
        place = letter, image.table, str(image.key)
        if image.at <= self._written.get(place, 0):
            return
        self._written[place] = image.at
        name = self.names[letter][image.table]
        if image.item is None:
            self.transport.call("DeleteItem", {"TableName": name, "Key": image.key})
        else:
            self.transport.call("PutItem", {"TableName": name, "Item": image.item})

    def copy(self) -> None:
        """All that stands in `a`, as it is made a table of `b`."""
        for mine, theirs in zip(*self.names.values(), strict=True):
            for item in self.transport.call("Scan", {"TableName": mine})["Items"]:
                self.transport.call("PutItem", {"TableName": theirs, "Item": item})


class Writing:
    """A region's way to its tables."""

    def __init__(self, tables: GlobalTables, letter: str) -> None:
        self._tables, self._letter = tables, letter

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One call; a write that was done is known to who copies."""
        answer = self._tables.transport.call(operation, payload)
        if operation in WRITES:
            self._tables.written(self._letter, payload)
        return answer


class Regions:
    """Regions `a` and `b` of one issuer, and which of them the next request reaches."""

    def __init__(self, stack: Stack) -> None:
        self.stack, mine = stack, (stack.settings.table, stack.settings.keys_table)
        self.names = {"a": mine, "b": (f"{mine[0]}-b", f"{mine[1]}-b")}
        create_tables(stack.parts.aws.endpoint_url, *self.names["b"])
        self.tables = GlobalTables(stack.deployment.dynamodb, self.names)
        self.client, _ = stack.client()
        self.tables.copy()
        self.brokers = {letter: self.deploy(letter) for letter in "ab"}

    def deploy(self, letter: str, **changed: Any) -> Broker:
        """A fresh broker of a region, perhaps with more settings."""
        table, keys_table = self.names[letter]
        named = {"table": table, "keys_table": keys_table, "region_letter": letter}
        return self.stack.build(dynamodb=Writing(self.tables, letter), **named, **changed)

    def at(self, letter: str) -> Stack:
        """Requests reach this region from now on."""
        self.stack.broker = self.brokers[letter]
        return self.stack

    def lose_a(self, **changed: Any) -> Stack:
        """`a` is gone with all that it has not sent, and `b` decides about its letter."""
        self.tables.waiting["a"].clear()
        self.brokers = {"b": self.deploy("b", adopted_letters="a", **changed)}
        return self.at("b")

    def drop(self) -> None:
        """Nobody needs the tables of `b` any more."""
        for name in self.names["b"]:
            self.stack.deployment.dynamodb.call("DeleteTable", {"TableName": name})
