"""What one request on the wire changed in the local DynamoDB or KMS, for the journal."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from local.stack.http1 import Head
from local.stack.http_server import Answer
from local.stack.journal.journal import Change, Item, Journal
from local.stack.journal.kms_keys import describe_keys

_KMS_READS = ("Encrypt", "Decrypt", "ReEncrypt", "Generate", "Describe", "List", "Get", "Sign", "Verify")
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
KEY_NAMES = ("pk", "sk")  # of both tables, as infra/resources.json names them
ReadItem = Callable[[str, Item], Item | None]


def is_write(target: str) -> bool:
    """Whether a request can change items; `target` is its X-Amz-Target."""
    service, _, operation = target.partition(".")
    return service.startswith("DynamoDB_") and operation in _WRITES


def changes_keys(target: str) -> bool:
    """Whether a request can change KMS keys."""
    service, _, operation = target.partition(".")
    return service == "TrentService" and not operation.startswith(_KMS_READS)


def find_changes(target: str, body: bytes, read: ReadItem) -> list[Change]:
    """Every item that a successful write concerned, as it is now."""
    operation, asked = target.partition(".")[2], json.loads(body)
    return [
        Change(table, key, item if item is not None or gone else read(table, key))
        for table, key, item, gone in _find_items(operation, asked)
    ]


def _find_items(operation: str, asked: dict[str, Any]) -> Iterator[tuple[str, Item, Item | None, bool]]:
    """Table, key, the item if the request says it, and whether the request deletes it."""
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield _one(operation.removesuffix("Item"), asked)
        case "TransactWriteItems":
            for part in asked["TransactItems"]:
                for kind, said in part.items():
                    if kind != "ConditionCheck":
                        yield _one(kind, said)
        case "BatchWriteItem":
            for table, parts in asked["RequestItems"].items():
                for part in parts:
                    kind = "Put" if "PutRequest" in part else "Delete"
                    yield _one(kind, {"TableName": table, **part[f"{kind}Request"]})


def _one(kind: str, said: dict[str, Any]) -> tuple[str, Item, Item | None, bool]:
    table = str(said["TableName"]).rpartition("/")[2]
    if kind == "Put":
        item = said["Item"]
        return table, {name: item[name] for name in KEY_NAMES if name in item}, item, False
    return table, said["Key"], None, kind == "Delete"


class WriteRecorder:
    """Carries out requests; a write is in the journal before its response is sent.

    carry_out   asks moto
    """

    def __init__(self, journal: Journal, carry_out: Callable[[Head, bytes], Answer]) -> None:
        self.journal, self._carry_out = journal, carry_out
        self._lock = threading.Lock()  # the journal has writes in the order in which they were made

    def __call__(self, target: str, head: Head, body: bytes) -> Answer:
        """One request and its answer. Raises OSError if the journal cannot be written."""
        if changes_keys(target):
            with self._lock:
                answer = self._carry_out(head, body)
                self.journal.record_keys(describe_keys())
                return answer
        if not is_write(target):
            return self._carry_out(head, body)
        with self._lock:
            answer = self._carry_out(head, body)
            if answer[0] == 200:
                self.journal.record(find_changes(target, body, lambda table, key: self._read(head, table, key)))
            return answer

    def _read(self, head: Head, table: str, key: Item) -> Item | None:
        """An item as it is now; `head` is of the write, whose caller may read, too."""
        others = tuple(pair for pair in head.headers if pair[0].lower() != "x-amz-target")
        asking = replace(head, headers=(*others, ("X-Amz-Target", "DynamoDB_20120810.GetItem")))
        body = json.dumps({"TableName": table, "Key": key, "ConsistentRead": True}).encode()
        status, _, answered = self._carry_out(asking, body)
        if status != 200:
            raise OSError(f"an item that was written cannot be read: {status}")
        found: Item | None = json.loads(answered).get("Item")
        return found
