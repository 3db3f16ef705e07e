"""Calls of the table and their units, counted where they leave a broker; the items that each touches are looked at just
before it and just after, by a client of its own."""

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from bench.calls import Call, Key
from bench.cost.sizes import Items, read_units, shared_reads, write_units
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher


@dataclass
class Spent:
    """What left the broker.

    write, read   units of the table;  told   those that the store itself says
    shared        read units of items that are no user's own, by their kind
    openings      of keysets by KMS;  fetches   requests to third parties
    """

    calls: int = 0
    write: float = 0.0
    read: float = 0.0
    told: float = 0.0
    shared: Counter[str] = field(default_factory=Counter)
    openings: int = 0
    fetches: int = 0


@contextmanager
def spending(client: Any) -> Iterator[Spent]:
    """Count what is done inside.

    client   of the same tables, which is not counted
    """
    spent, call, fetch = Spent(), SignedTransport.call, GuardedFetcher.fetch

    def counted_call(transport: SignedTransport, operation: str, payload: Any) -> Any:
        if operation == "Decrypt":
            spent.openings += 1
            return call(transport, operation, payload)
        made = Call(operation, copy.deepcopy(dict(payload)))
        before = _touched(client, made)
        answer = call(transport, operation, {**payload, "ReturnConsumedCapacity": "TOTAL"})
        after = _touched(client, made)
        spent.calls += 1
        spent.write += write_units(made, before, after)
        spent.read += read_units(made, before, after)
        spent.told += _told(answer)
        spent.shared.update(shared_reads(made))
        return answer

    def counted_fetch(fetcher: GuardedFetcher, request: Any, **more: Any) -> Any:
        spent.fetches += 1
        return fetch(fetcher, request, **more)

    with patch.object(SignedTransport, "call", counted_call), patch.object(GuardedFetcher, "fetch", counted_fetch):
        yield spent


def _touched(client: Any, call: Call) -> Items:
    keys = list(call.written())
    for table, asked in call.payload.get("RequestItems", {}).items():
        keys += [(table, key["pk"]["S"], key["sk"]["S"]) for key in asked["Keys"]]
    found: dict[Key, dict[str, Any]] = {}
    for table, pk, sk in keys:
        answer = client.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
        if item := answer.get("Item"):
            found[table, pk, sk] = item
    return found


def _told(answer: Any) -> float:
    told = answer.get("ConsumedCapacity") or []
    return sum(float(one["CapacityUnits"]) for one in (told if isinstance(told, list) else [told]))
