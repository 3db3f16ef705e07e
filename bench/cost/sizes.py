"""Bytes of an item and units of a call, as DynamoDB bills them.

Sizes by https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.
"""

import base64
import math
from collections.abc import Mapping
from typing import Any

from bench.calls import Call, Key

Items = Mapping[Key, Mapping[str, Any]]
WRITE_BYTES, READ_BYTES = 1024, 4096
SHARED = ("DEPLOYMENT", "CLIENT", "PROVIDER")
INDEXED = "sub"  # by_sub holds every item that has it, keys only


def item_bytes(item: Mapping[str, Any] | None) -> int:
    """Names and values of one item; 0 for none."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in (item or {}).items())


def value_bytes(value: Mapping[str, Any]) -> int:
    """One value in DynamoDB's JSON. Raises ValueError for a type that we do not store."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return math.ceil(len(held.lstrip("-")) / 2) + 1
        case "B":
            return len(base64.b64decode(held)) if isinstance(held, str) else len(bytes(held))
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(one.encode()) for one in held)
        case "L":
            return 3 + sum(1 + value_bytes(one) for one in held)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_bytes(one) for name, one in held.items())
    raise ValueError(f"no size is known for type {kind}")


def write_units(call: Call, before: Items, after: Items) -> int:
    """Units of one write, its index included; the larger of the item before and after counts.

    Raises ValueError for an operation that is no read or write of one item.
    """
    if call.operation in ("BatchGetItem", "GetItem", "Query"):
        return 0
    if call.operation not in ("PutItem", "UpdateItem", "DeleteItem"):
        raise ValueError(f"no units are known for {call.operation}")
    units = 0
    for key in call.written():
        old, new = before.get(key), after.get(key)
        largest = max(item_bytes(old), item_bytes(new), item_bytes(call.payload.get("Item")))
        units += max(1, math.ceil(largest / WRITE_BYTES))
        units += (INDEXED in (old or {})) != (INDEXED in (new or {}))
    return units


def read_units(call: Call, before: Items, after: Items) -> float:
    """Units of one read; a read that is not strong costs half. Raises ValueError for a Query that was not told of."""
    if call.operation == "GetItem":
        wanted = {call.payload["TableName"]: {"Keys": [call.payload["Key"]], **call.payload}}
    elif call.operation == "BatchGetItem":
        wanted = call.payload["RequestItems"]
    elif call.operation == "Query":
        raise ValueError("no query belongs to a request that is counted here")
    else:
        return 0
    units = 0.0
    for table, request in wanted.items():
        share = 1.0 if request.get("ConsistentRead") else 0.5
        for key in request["Keys"]:
            place = (table, key["pk"]["S"], key["sk"]["S"])
            largest = max(item_bytes(before.get(place)), item_bytes(after.get(place)))
            units += share * max(1, math.ceil(largest / READ_BYTES))
    return units


def shared_reads(call: Call) -> dict[str, float]:
    """Units of strong reads of items that are no user's own, by what stands before the # of their key."""
    units: dict[str, float] = {}
    for request in call.payload.get("RequestItems", {}).values():
        for key in request["Keys"]:
            kind = key["pk"]["S"].partition("#")[0]
            if kind in SHARED:
                units[kind] = units.get(kind, 0.0) + (1.0 if request.get("ConsistentRead") else 0.5)
    return units
