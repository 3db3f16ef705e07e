"""The chain over the audit records in the table, and the records of one window."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.adapters.aws import AwsRefusal
from chalicelib.adapters.batch_reads import BATCH, get_batch
from chalicelib.adapters.items import decode_item, encode, encode_item
from chalicelib.adapters.table import Tables
from chalicelib.ports import ItemUnreadable
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.seal import AuditSeal, shard_names

CHAIN = "AUDITSEAL"


class ChainVerbs(Tables):
    """What the one who seals asks of the table."""

    def last_seal(self) -> AuditSeal | None:
        """The links stand under one key, in order of their windows."""
        payload = {
            "TableName": self._tables["broker"],
            "KeyConditionExpression": "pk = :chain",
            "ExpressionAttributeValues": {":chain": encode(CHAIN)},
            "ScanIndexForward": False,
            "Limit": 1,
            "ConsistentRead": True,
        }
        items = self._call("Query", payload).get("Items", [])
        return read_seal(items[0]) if items else None

    def digest_window(self, window: int) -> tuple[bytes, ...]:
        """The index may lag and only says where to look; what is hashed is read from the table."""
        keys = [key for name in shard_names(window) for key in self._keys_of(name)]
        found: list[bytes] = []
        for start in range(0, len(keys), BATCH):
            batch = get_batch(self._call, {self._tables["broker"]: keys[start : start + BATCH]}, self._pacing)
            found += map(digest_of, batch.get(self._tables["broker"], ()))
        return tuple(found)

    def put_seal(self, seal: AuditSeal) -> bool:
        """A repeat after a lost answer knows its own write."""
        payload = {
            "TableName": self._tables["broker"],
            "Item": {**encode_item(CHAIN, seal), "sk": encode(_place(seal.window))},
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._call("PutItem", payload)
        except AwsRefusal as refusal:
            return refusal.item is not None and decode_item(refusal.item, AuditSeal) == seal
        return True

    def _keys_of(self, name: str) -> Iterator[dict[str, Any]]:
        """Of the records that the index lists under this name."""
        start: dict[str, Any] = {}
        while True:
            payload = {
                "TableName": self._tables["broker"],
                "IndexName": "by_sub",
                "KeyConditionExpression": "#sub = :name",
                "ExpressionAttributeNames": {"#sub": "sub"},
                "ExpressionAttributeValues": {":name": encode(name)},
                **({"ExclusiveStartKey": start} if start else {}),
            }
            answer = self._call("Query", payload)
            yield from ({"pk": item["pk"], "sk": item["sk"]} for item in answer.get("Items", []))
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                return


def read_seal(item: Mapping[str, Any]) -> AuditSeal:
    """The link of one item. Raises SealBroken: it cannot be read, or is of another window than that of its place."""
    try:
        seal = decode_item(dict(item), AuditSeal)
    except ItemUnreadable:
        raise SealBroken("unreadable") from None
    if item["sk"]["S"] != _place(seal.window):
        raise SealBroken("misplaced")
    return seal


def _place(window: int) -> str:
    return f"{window:012d}"


def digest_of(item: Mapping[str, Any]) -> bytes:
    """SHA-256 of a whole item as it stands, its keys and its end included; a set has no order."""
    plain = {name: {kind: sorted(content) if kind == "SS" else content} for name, value in item.items()
             for kind, content in value.items()}  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).digest()
