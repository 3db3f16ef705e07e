"""Reads the audit records of one window in batches, and stores the progress in the table."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.adapters.dynamodb.batch_reads import BATCH, get_batch
from chalicelib.adapters.dynamodb.codec import decode_item, encode, encode_item
from chalicelib.adapters.dynamodb.tables import Tables
from chalicelib.ports import StoreUnavailable
from chalicelib.records.seal import DIGEST_BYTES, PART_KEPT_SECONDS, PART_RECORDS, SealPart, shard_names


class WindowVerbs(Tables):
    """Store methods that compute the digests for a seal."""

    def digest_window(self, window: int, *, has_time: Callable[[], bool]) -> tuple[bytes, ...] | None:
        """Store each batch before reading the next, except the last: a window of one batch writes nothing.

        A process that finds another process's part in place of its own stops. So two processes never mix their parts.
        """
        part = next(self._parts(window, ScanIndexForward=False, Limit=1), None)
        stored = part.number if part else 0
        own: list[SealPart] = []
        while part is None or not part.is_last:
            if not has_time():
                return None
            part = self._read_part(window, part or SealPart(number=0, shard=0))
            own.append(part)
            if not part.is_last and not self._put_part(window, part):
                return None
        earlier = [one for one in self._parts(window) if one.number <= stored] if stored else []
        if [one.number for one in earlier] != list(range(1, stored + 1)):
            raise StoreUnavailable("seal_parts_missing")
        return tuple(_split(earlier + own))

    def _read_part(self, window: int, before: SealPart) -> SealPart:
        """The index may lag and only gives keys. The hashed items are read from the table."""
        shard, start, names = before.shard, before.start, shard_names(window)
        keys: list[dict[str, Any]] = []
        while shard < len(names) and len(keys) < PART_RECORDS:
            found, start = self._page_of(names[shard], start, most=PART_RECORDS - len(keys))
            keys += found
            shard += not start
        digests = b"".join(map(digest_of, self._read_all(keys)))
        return SealPart(number=before.number + 1, digests=digests, shard=shard, start=start)

    def _page_of(self, name: str, start: bytes, *, most: int) -> tuple[list[dict[str, Any]], bytes]:
        """The keys of the records that the index lists under this name, and the start of the next page."""
        payload = {
            "TableName": self._tables["broker"],
            "IndexName": "by_sub",
            "KeyConditionExpression": "#sub = :name",
            "ExpressionAttributeNames": {"#sub": "sub"},
            "ExpressionAttributeValues": {":name": encode(name)},
            "Limit": most,
            **({"ExclusiveStartKey": msgspec.json.decode(start)} if start else {}),
        }
        answer = self._call("Query", payload)
        last = answer.get("LastEvaluatedKey")
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in answer.get("Items", [])]
        return keys, msgspec.json.encode(last) if last else b""

    def _read_all(self, keys: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for first in range(0, len(keys), BATCH):
            batch = get_batch(self._call, {self._tables["broker"]: keys[first : first + BATCH]}, self._pacing)
            yield from batch.get(self._tables["broker"], ())

    def _parts(self, window: int, **asked: Any) -> Iterator[SealPart]:
        """In order of their numbers. Raises ItemUnreadable."""
        payload = {
            "TableName": self._tables["broker"],
            "KeyConditionExpression": "pk = :parts",
            "ExpressionAttributeValues": {":parts": encode(_parts_of(window))},
            "ConsistentRead": True,
            **asked,
        }
        start: dict[str, Any] = {}
        while True:
            answer = self._call("Query", {**payload, **start})
            yield from (decode_item(item, SealPart) for item in answer.get("Items", []))
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _put_part(self, window: int, part: SealPart) -> bool:
        """Insert if absent; the second writer stops. A repeat after a lost response recognizes its own write."""
        item = encode_item(_parts_of(window), part, purge_at=window + PART_KEPT_SECONDS)
        payload = {
            "TableName": self._tables["broker"],
            "Item": {**item, "sk": encode(f"{part.number:08d}")},
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            self._call("PutItem", payload)
        except AwsRefusal as refusal:
            return refusal.item is not None and decode_item(refusal.item, SealPart) == part
        return True


def _parts_of(window: int) -> str:
    return f"AUDITPART#{window:012d}"


def _split(parts: Iterable[SealPart]) -> Iterator[bytes]:
    for part in parts:
        yield from (part.digests[at : at + DIGEST_BYTES] for at in range(0, len(part.digests), DIGEST_BYTES))


def digest_of(item: Mapping[str, Any]) -> bytes:
    """SHA-256 of a whole stored item, with its keys and its expiry. A set is sorted, because it has no order."""
    plain = {name: {kind: sorted(content) if kind == "SS" else content} for name, value in item.items()
             for kind, content in value.items()}  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).digest()
