"""The batch read of the tables: the only code that sends BatchGetItem."""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.adapters.aws.transport import Pacing
from chalicelib.ports import StoreUnavailable

BATCH = 100  # the most keys that DynamoDB accepts at once
Items = dict[str, list[dict[str, Any]]]
Call = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def get_batch(call: Call, keys: Mapping[str, list[Any]], pacing: Pacing) -> Items:
    """Items by table, strongly consistent.

    A key that AWS did not process is requested again, because AWS may throttle one key and serve the others. It never
    counts as absent.

    keys   by table, at most BATCH of them

    Raises StoreUnavailable if such a key is left after the last try.
    """
    found: Items = {}
    for _ in pacing.tries():
        request = {table: {"Keys": wanted, "ConsistentRead": True} for table, wanted in keys.items()}
        answer = call("BatchGetItem", {"RequestItems": request})
        for table, items in answer.get("Responses", {}).items():
            found.setdefault(table, []).extend(items)
        keys = {table: left["Keys"] for table, left in (answer.get("UnprocessedKeys") or {}).items()}
        if not keys:
            return found
    raise StoreUnavailable("unprocessed_keys")
