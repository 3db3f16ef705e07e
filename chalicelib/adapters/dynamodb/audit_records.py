"""The hash chain over the audit records, in the table."""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.adapters.dynamodb.audit_windows import WindowVerbs
from chalicelib.adapters.dynamodb.codec import decode_item, encode, encode_item
from chalicelib.ports import ItemUnreadable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.seal import AuditSeal

CHAIN = "AUDITSEAL"


class AuditRecords(WindowVerbs):
    """Store methods for the process that seals the audit records."""

    def last_seal(self) -> AuditSeal | None:
        """All links have one partition key and are sorted by their windows."""
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

    def put_seal(self, seal: AuditSeal) -> bool:
        """Insert if absent. A repeat after a lost response recognizes its own write."""
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


def read_seal(item: Mapping[str, Any]) -> AuditSeal:
    """The link in one item.

    Raises DecryptionFailed if it cannot be read, or its window does not match its sort key.
    """
    try:
        seal = decode_item(dict(item), AuditSeal)
    except ItemUnreadable:
        raise DecryptionFailed("unreadable") from None
    if item["sk"]["S"] != _place(seal.window):
        raise DecryptionFailed("misplaced")
    return seal


def _place(window: int) -> str:
    return f"{window:012d}"
