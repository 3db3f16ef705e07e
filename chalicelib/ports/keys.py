"""Keysets: as requests use them, and as key rotation changes them."""

from typing import Any, Protocol

from chalicelib.ports.outcomes import Items, Refused, Written
from chalicelib.records.item_keys import ItemKey
from chalicelib.records.keyset import Keyset, Purpose
from chalicelib.records.reseal import Reseal
from chalicelib.records.small_items import JobKey, KeysetItem, UserKey


class Keys(Protocol):
    """Decrypted keysets. A warm process makes no call."""

    def get(self, purpose: Purpose) -> Keyset:
        """Raises StoreUnavailable if the keys cannot be decrypted."""

    def public_jwks(self) -> tuple[dict[str, str], ...]:
        """Public halves of the published signing keys, active or retiring."""


class KeyRing(Protocol):
    """The keysets for key rotation; all methods raise StoreUnavailable. Requests have no access to it."""

    def read(self, *item_keys: ItemKey[Any]) -> Items:
        """As in Store."""

    def wrap(self, purpose: str, version: int, plain: bytes) -> bytes:
        """Encrypt a key with KMS for the table."""

    def swap(self, item: KeysetItem, *, read: KeysetItem) -> Written[KeysetItem] | Refused[KeysetItem]:
        """Compare and swap on the revision that was read."""

    def keep_copy(self, item: KeysetItem, *, gone: frozenset[int] = frozenset()) -> bool:
        """Copy a keyset to the keys table, which is never restored; False if the copy would lose more than `gone`."""

    def list_sealed(self, cursor: str, *, most: int) -> tuple[list[UserKey | JobKey], str]:
        """One page of the table of user keys and the cursor of the next page; "" after the last page."""

    def put_look(self, look: Reseal, *, read: Reseal | None) -> bool:
        """Compare and swap on the revision: the progress of the pass over all user keys."""

    def reseal(self, place: ItemKey[Any], sealed: bytes, *, read: bytes, field: str = "sealed") -> bool:
        """Compare and swap on the encrypted value; False if it was changed or erased meanwhile."""
