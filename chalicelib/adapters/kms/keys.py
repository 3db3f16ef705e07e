"""Keysets: wrapped by KMS in the table, decrypted in memory, and expired by age, not by idle time.

A keyset is read again after 60 s and decrypted by KMS again after 300 s. Until then a request makes no call.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any, get_args

from chalicelib.adapters.aws.transport import PACING, AwsRefusal, Pacing, Transport, call_with_repeats
from chalicelib.ports import Clock, Reader, StoreUnavailable
from chalicelib.protocol.own_jwt import public_jwk
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.keyset import Key, Keyset, Purpose, WrappedKey
from chalicelib.records.small_items import KeysetItem

READ_AGE = 60
OPEN_AGE = 300
PART_AGE = 30  # of a keyset with a key that KMS did not decrypt: other processes may encrypt under it soon
# KMS errors for bytes that were not encrypted for this key, deployment, purpose and version.
NOT_OURS = ("kms_InvalidCiphertextException", "kms_IncorrectKeyException", "kms_ValidationException")
Count = Callable[[str], None]
Tell = Callable[..., None]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def encryption_context(deployment: str, purpose: str, version: int) -> dict[str, str]:
    """The context that KMS binds to a wrapped key. A key of another deployment, purpose or version does not decrypt."""
    return {"deployment": deployment, "purpose": purpose, "version": str(version)}


def _leave(metric: str, **fields: object) -> None:
    """Does nothing: an operator's command has no metrics and no log."""


class KmsKeys:
    """All keysets of one deployment.

    key_id  the one KMS key that decrypts them; a keyset wrapped under another key is refused
    count   called for each decryption by KMS
    event   writes a log line
    """

    def __init__(
        self,
        store: Reader,
        kms: Transport,
        clock: Clock,
        *,
        deployment: str,
        key_id: str,
        count: Count = _leave,
        event: Tell = _leave,
        pacing: Pacing = PACING,
    ) -> None:
        self._store = store
        self._kms = kms
        self._clock = clock
        self._count, self._event = count, event
        self._pacing = pacing
        self._deployment = deployment
        self._key_id = key_id
        self._items: Mapping[str, KeysetItem] = {}
        self._read_at = 0
        self._opened: dict[tuple[str, int, bytes], tuple[int, bytes]] = {}
        self._assembled: dict[str, tuple[KeysetItem, int, Keyset]] = {}
        self._public: dict[tuple[int, bytes], tuple[int, dict[str, str] | None]] = {}
        self._lock = threading.Lock()

    def get(self, purpose: Purpose) -> Keyset:
        """The decrypted keyset. Raises StoreUnavailable if the table or KMS fails and memory has no recent copy."""
        with self._lock:
            now = self._clock.now()
            item = self._item(purpose, now)
            assembled = self._assembled.get(purpose)
            if assembled and assembled[0] is item and 0 <= now - assembled[1] < OPEN_AGE:
                return assembled[2]
            keyset = self._open_all(purpose, item, now)
            opened_at = self._oldest_opening(purpose, item)
            if purpose != "signing" and len(keyset.versions) < len(item.keys):
                opened_at = min(opened_at, now - OPEN_AGE + PART_AGE)
            self._assembled[purpose] = (item, opened_at, keyset)
            return keyset

    def public_jwks(self) -> tuple[dict[str, str], ...]:
        """Public keys of the signing keys that KMS decrypted. The table only lists the wrapped keys.

        A key that KMS did not wrap is left out, with an alarm. Raises StoreUnavailable while KMS is unreachable.
        """
        with self._lock:
            now = self._clock.now()
            shown = [wrapped for wrapped in self._item("signing", now).keys if wrapped.state != "retired"]
            return tuple(jwk for wrapped in shown if (jwk := self._public_half(wrapped, now)) is not None)

    def _public_half(self, wrapped: WrappedKey, now: int) -> dict[str, str] | None:
        """One decryption is enough, because the same wrapped bytes always give the same public key. A failure is
        retried later."""
        name = (wrapped.version, wrapped.wrapped)
        known = self._public.get(name)
        if known is None or (known[1] is None and not 0 <= now - known[0] < OPEN_AGE):
            try:
                self._open("signing", wrapped, now)
                known = self._public[name]
            except StoreUnavailable as error:
                if wrapped.state == "signing" or str(error) not in NOT_OURS:
                    raise
                self._event("alarm", kind="signing_key_does_not_open", version=wrapped.version)
                known = (now, None)
            self._public[name] = known
        return known[1]

    def _item(self, purpose: str, now: int) -> KeysetItem:
        if not 0 <= now - self._read_at < READ_AGE:
            self._read_again(now)
        item = self._items.get(purpose)
        if item is None:
            raise StoreUnavailable("keyset_missing")
        return item

    def _read_again(self, now: int) -> None:
        """One batch read of all keysets. While the table is unavailable, the last read serves for up to 300 s."""
        try:
            found = self._store.read(*(keyset_item_key(purpose) for purpose in PURPOSES))
        except StoreUnavailable:
            if self._items and 0 <= now - self._read_at < OPEN_AGE:
                return
            raise
        fresh = {purpose: item for purpose in PURPOSES if (item := found.get(keyset_item_key(purpose)))}
        self._items = {purpose: self._same(self._items.get(purpose), item) for purpose, item in fresh.items()}
        self._read_at = now

    @staticmethod
    def _same(old: KeysetItem | None, new: KeysetItem) -> KeysetItem:
        """The old object if nothing changed, so that the keyset built from it stays valid."""
        return old if old == new else new

    def _open_all(self, purpose: Purpose, item: KeysetItem, now: int) -> Keyset:
        current = [wrapped for wrapped in item.keys if wrapped.state in ("signing", "current")]
        if len(current) != 1:
            raise StoreUnavailable("keyset_without_one_current_key")
        keys = {wrapped.version: self._open(purpose, wrapped, now) for wrapped in _needed(purpose, item)}
        for wrapped in item.keys if purpose != "signing" else ():
            if wrapped.state == "published":
                with contextlib.suppress(StoreUnavailable):  # nothing is encrypted under it yet
                    keys[wrapped.version] = self._open(purpose, wrapped, now)
        return Keyset(purpose=purpose, current=keys[current[0].version], versions=keys)

    def _open(self, purpose: Purpose, wrapped: WrappedKey, now: int) -> Key:
        name = _name(purpose, wrapped)
        opened = self._opened.get(name)
        if opened is None or not 0 <= now - opened[0] < OPEN_AGE:
            opened = (now, self._unwrap(purpose, wrapped))
            self._opened[name] = opened
        kid = ""
        if purpose == "signing":
            jwk = public_jwk(opened[1])
            kid, self._public[wrapped.version, wrapped.wrapped] = jwk["kid"], (now, jwk)
        return Key(version=wrapped.version, secret=opened[1], kid=kid)

    def _oldest_opening(self, purpose: Purpose, item: KeysetItem) -> int:
        """A keyset is as old as its oldest key. A key that is added later does not make the others younger."""
        return min(self._opened[_name(purpose, wrapped)][0] for wrapped in _needed(purpose, item))

    def _unwrap(self, purpose: Purpose, wrapped: WrappedKey) -> bytes:
        payload: dict[str, Any] = {
            "KeyId": self._key_id,  # without it KMS uses the key that the ciphertext names
            "CiphertextBlob": wrapped.wrapped,
            "EncryptionContext": encryption_context(self._deployment, purpose, wrapped.version),
        }
        self._count("KmsUnwraps")
        try:
            return bytes(call_with_repeats(self._kms, "Decrypt", payload, self._pacing)["Plaintext"])
        except AwsRefusal as refusal:
            raise StoreUnavailable(f"kms_{refusal.code}") from None


def _name(purpose: str, wrapped: WrappedKey) -> tuple[str, int, bytes]:
    """The same bytes under another purpose or version are another key, because KMS binds both."""
    return purpose, wrapped.version, wrapped.wrapped


def _needed(purpose: Purpose, item: KeysetItem) -> list[WrappedKey]:
    """The keys that must decrypt: every key that may have encrypted something; of the signing keys only the current
    one."""
    if purpose == "signing":
        return [wrapped for wrapped in item.keys if wrapped.state == "signing"]
    return [wrapped for wrapped in item.keys if wrapped.state != "published"]
