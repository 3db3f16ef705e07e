"""Both tables over one transport: one batch read, one conditional write, and the result of each."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from chalicelib.adapters.aws.transport import PACING, AwsRefusal, Pacing, Transport, call_with_repeats
from chalicelib.adapters.dynamodb.batch_reads import BATCH, Items, get_batch
from chalicelib.adapters.dynamodb.codec import decode_at, encode, encode_item, key
from chalicelib.ports import Entropy, Refused, StoreUnavailable, Written
from chalicelib.records.item_keys import ItemKey

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)
RESERVED = ("status", "sub")  # reserved words of DynamoDB; as attribute names they need a # in expressions


class FoundItems:
    """The items of one batch read, each decoded once, on demand."""

    def __init__(self, items: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        self._items = items
        self._records: dict[ItemKey[Any], Any] = {}

    def get(self, item_key: ItemKey[T]) -> T | None:
        """The record, or None if there is none."""
        if item_key not in self._records:
            item = self._items.get((item_key.table, item_key.pk))
            self._records[item_key] = None if item is None else decode_at(item_key, item)
        record: T | None = self._records[item_key]
        return record


class Tables:
    """The two tables, and the operations that the store methods share."""

    def __init__(
        self, transport: Transport, *, table: str, keys_table: str, entropy: Entropy, pacing: Pacing = PACING
    ) -> None:
        self._transport = transport
        self._tables = {"broker": table, "keys": keys_table}
        self._entropy = entropy
        self._pacing = pacing

    def read(self, *item_keys: ItemKey[Any]) -> FoundItems:
        """One strongly consistent BatchGetItem over both tables, without duplicate keys; one more for each further 100
        keys."""
        items: dict[tuple[str, str], dict[str, Any]] = {}
        names = {name: short for short, name in self._tables.items()}
        wanted = list(dict.fromkeys(item_keys))
        for start in range(0, len(wanted), BATCH):
            for table, found in self._read_batch(wanted[start : start + BATCH]).items():
                items |= {(names[table], item["pk"]["S"]): item for item in found}
        return FoundItems(items)

    def _read_batch(self, item_keys: list[ItemKey[Any]]) -> Items:
        """Items by table."""
        wanted: dict[str, list[Any]] = {}
        for item_key in item_keys:
            wanted.setdefault(self._tables[item_key.table], []).append(key(item_key.pk))
        return get_batch(self._call, wanted, self._pacing)

    def list_subject(self, sub: str, kind: str) -> tuple[str, ...]:
        """Ids of one user's items of one kind, from the index. It may lag, so it only says which items to read."""
        found = self._list_keys(sub, "begins_with(pk, :kind)", {":kind": f"{kind}#"})
        return tuple(key.partition("#")[2] for key in found)

    def list_held(self, sub: str) -> tuple[str, ...]:
        """Keys of one user's connections, consents and grants. No other kind with a user sorts between them."""
        return self._list_keys(sub, "pk BETWEEN :first AND :last", {":first": "CONNECTION#", ":last": "GRANT#~"})

    def _list_keys(self, sub: str, which: str, values: Mapping[str, str]) -> tuple[str, ...]:
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            payload = {
                "TableName": self._tables["broker"],
                "IndexName": "by_sub",
                "KeyConditionExpression": f"#sub = :sub AND {which}",
                "ExpressionAttributeNames": {"#sub": "sub"},
                "ExpressionAttributeValues": {
                    ":sub": encode(sub),
                    **{name: encode(value) for name, value in values.items()},
                },
                **({"ExclusiveStartKey": start} if start else {}),
            }
            answer = self._call("Query", payload)
            found += [item["pk"]["S"] for item in answer.get("Items", [])]
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                return tuple(dict.fromkeys(found))

    def _put(
        self,
        item_key: ItemKey[R],
        record: R,
        condition: str,
        values: Mapping[str, object] | None = None,
        names: Mapping[str, str] | None = None,
        **more: object,
    ) -> Written[R] | Refused[R]:
        """PutItem under a condition. A refusal whose old item has this call's nonce means that an earlier try
        succeeded."""
        nonce = self._entropy.token_bytes(12).hex()
        payload: dict[str, Any] = {
            "TableName": self._tables[item_key.table],
            "Item": {**encode_item(item_key.pk, record, **more), "written_by": {"S": nonce}},
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            payload["ExpressionAttributeValues"] = {name: encode(value) for name, value in values.items()}
        if names:
            payload["ExpressionAttributeNames"] = dict(names)
        return self._conditionally("PutItem", payload, item_key, nonce, record)

    def _update(
        self,
        item_key: ItemKey[R],
        update: str,
        conditions: list[str],
        values: Mapping[str, object],
        *,
        remove: str = "",
        add: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Written[R] | Refused[R]:
        """UpdateItem under all conditions. Returns the whole item after the update.

        names   attribute names for `#name`, in addition to DynamoDB's reserved words
        """
        nonce = self._entropy.token_bytes(12).hex()
        expression = f"{update}, written_by = :by_us" + (f" REMOVE {remove}" if remove else "")
        expression += f" ADD {add}" if add else ""
        condition = " AND ".join(["attribute_exists(pk)", *conditions])
        encoded = {name: encode(value) for name, value in values.items()}
        payload: dict[str, Any] = {
            "TableName": self._tables[item_key.table],
            "Key": key(item_key.pk),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {**encoded, ":by_us": {"S": nonce}},
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        reserved = {f"#{word}": word for word in RESERVED if f"#{word} " in f"{expression} {condition}"}
        if known := {**reserved, **(names or {})}:
            payload["ExpressionAttributeNames"] = known
        return self._conditionally("UpdateItem", payload, item_key, nonce, None)

    def _conditionally(
        self, operation: str, payload: Mapping[str, Any], item_key: ItemKey[R], nonce: str, record: R | None
    ) -> Written[R] | Refused[R]:
        try:
            answer = self._call(operation, payload)
        except AwsRefusal as refusal:
            if refusal.item is None:  # `_call` raises only refused conditions
                return Refused(None)
            found = decode_at(item_key, refusal.item)
            ours = refusal.item.get("written_by", {}).get("S") == nonce
            return Written(found) if ours else Refused(found)
        return Written(decode_at(item_key, answer["Attributes"]) if record is None else record)

    def _put_plain(self, item_key: ItemKey[R], record: R, *, purge_at: int) -> None:
        item = encode_item(item_key.pk, record, purge_at=purge_at)
        self._call("PutItem", {"TableName": self._tables[item_key.table], "Item": item})

    def _call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return call_with_repeats(self._transport, operation, payload, self._pacing)
        except AwsRefusal as refusal:
            if refusal.code == "ConditionalCheckFailedException":
                raise
            raise StoreUnavailable(refusal.code) from None


def equal(name: str, value: str, stands_for: object) -> str:
    """Equality with the value that was read. A missing attribute equals its empty default."""
    plain = f"{name} = {value}"
    return plain if stands_for else f"(attribute_not_exists({name}) OR {plain})"


def require_members(conditions: list[str], values: dict[str, object], attribute: str, members: list[str]) -> None:
    """Every requested member must be in the item's set or list. `contains` on a missing attribute is false."""
    for number, member in enumerate(members):
        conditions.append(f"contains({attribute}, :{attribute}{number})")
        values[f":{attribute}{number}"] = member
