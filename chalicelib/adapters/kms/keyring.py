"""Keysets and the keys encrypted under them, for key rotation: the only code that encrypts with KMS.

No request uses it.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws.transport import AwsRefusal, Transport, call_with_repeats
from chalicelib.adapters.dynamodb.codec import decode_item, key
from chalicelib.adapters.dynamodb.tables import Tables, equal
from chalicelib.adapters.kms.keys import encryption_context
from chalicelib.keys.lifecycle import lost_from
from chalicelib.ports import Entropy, ItemUnreadable, Refused, StoreUnavailable, Written
from chalicelib.records.item_keys import RESEAL, ItemKey, keyset_copy_item_key, keyset_item_key
from chalicelib.records.reseal import Reseal
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import JobKey, KeysetItem, UserKey


class TableKeyRing(Tables):
    """The keysets of one deployment, for rotation."""

    def __init__(self, settings: Settings, *, dynamodb: Transport, kms: Transport, entropy: Entropy) -> None:
        super().__init__(dynamodb, table=settings.table, keys_table=settings.keys_table, entropy=entropy)
        self._settings, self._kms = settings, kms

    def wrap(self, purpose: str, version: int, plain: bytes) -> bytes:
        """Encrypt one key for the table. Only KMS decrypts it, and only for this deployment, purpose and version."""
        payload: dict[str, Any] = {
            "KeyId": self._settings.kms_key,
            "Plaintext": plain,
            "EncryptionContext": encryption_context(self._settings.deployment, purpose, version),
        }
        try:
            return bytes(call_with_repeats(self._kms, "Encrypt", payload)["CiphertextBlob"])
        except AwsRefusal as refusal:
            raise StoreUnavailable(f"kms_{refusal.code}") from None

    def swap(self, item: KeysetItem, *, read: KeysetItem) -> Written[KeysetItem] | Refused[KeysetItem]:
        """Write one step of a rotation, if the keyset is as read."""
        condition = f"attribute_exists(pk) AND {equal('revision', ':read', read.revision)}"
        return self._put(keyset_item_key(item.purpose), item, condition, {":read": read.revision})

    def keep_copy(self, item: KeysetItem, *, gone: frozenset[int] = frozenset()) -> bool:
        """Copy a keyset into the table without backups, beside the user keys that it decrypts, so that it survives a
        restore.

        Returns False if the stored copy is newer, or has a key that this keyset lacks and that is not in `gone`. A
        slow writer, or one with a restored table, would delete that key, which may be the only copy.
        """
        item_key = keyset_copy_item_key(item.purpose)
        first = self._put(item_key, item, "attribute_not_exists(pk)")
        if isinstance(first, Written):
            return True
        copy = first.found
        if copy is None or copy.revision > item.revision or lost_from(copy, item) - gone:
            return False
        unchanged = equal("revision", ":read", copy.revision)
        return isinstance(self._put(item_key, item, unchanged, {":read": copy.revision}), Written)

    def list_sealed(self, cursor: str, *, most: int) -> tuple[list[UserKey | JobKey], str]:
        """One page of the table of user keys, and the cursor of the next page; "": this was the last."""
        start = {"ExclusiveStartKey": key(cursor)} if cursor else {}
        payload = {
            "TableName": self._tables["keys"],
            "FilterExpression": "attribute_exists(sealed)",
            "ConsistentRead": True,
            "Limit": most,
            **start,
        }
        answer = self._call("Scan", payload)
        kinds: dict[str, type[UserKey] | type[JobKey]] = {"USER": UserKey, "JOBKEY": JobKey}
        named = ((kinds.get(item["pk"]["S"].partition("#")[0]), item) for item in answer.get("Items", []))
        found = [_read_key(item, record) for record, item in named if record is not None]
        return found, answer.get("LastEvaluatedKey", {}).get("pk", {}).get("S", "")

    def put_look(self, look: Reseal, *, read: Reseal | None) -> bool:
        """Store the progress of the scan, unless another run has stored later progress."""
        condition, values = "attribute_not_exists(pk)", dict[str, object]()
        if read is not None:
            condition, values = "revision = :read", {":read": read.revision}
        return isinstance(self._put(RESEAL, look, condition, values), Written)

    def reseal(self, place: ItemKey[Any], sealed: bytes, *, read: bytes, field: str = "sealed") -> bool:
        """Replace the encryption of a key, if it is as read. Returns False if it changed."""
        result = self._update(place, f"SET {field} = :sealed", [f"{field} = :read"], {":sealed": sealed, ":read": read})
        return isinstance(result, Written)


def _read_key(item: Mapping[str, Any], record: type[UserKey] | type[JobKey]) -> UserKey | JobKey:
    """An unreadable item counts as a key that no version decrypts, so that the scan continues."""
    try:
        return decode_item(dict(item), record)
    except ItemUnreadable:
        return UserKey(sub=item["pk"]["S"].partition("#")[2])
