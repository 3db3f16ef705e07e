"""Writes the items of a journal into empty tables, as a new process does at its start."""

from local.stack.journal.journal import Item
from local.stack.resources import call_endpoint

_BATCH = 25  # of BatchWriteItem


def restore_items(endpoint_url: str, items: dict[str, dict[str, Item]], *, tables: set[str]) -> None:
    """Write every item of these tables.

    items   table -> key -> item
    """
    for table in tables & items.keys():
        stored = list(items[table].values())
        for start in range(0, len(stored), _BATCH):
            batch = [{"PutRequest": {"Item": item}} for item in stored[start : start + _BATCH]]
            call_endpoint(endpoint_url, "dynamodb", "BatchWriteItem", {"RequestItems": {table: batch}})
