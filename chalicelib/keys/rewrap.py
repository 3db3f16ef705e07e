"""Encrypts users' keys again after a vault key rotation, page by page, over several runs. Requests never do this.

Only users' keys and provider secrets are encrypted under the vault key. Every write is a compare and swap on the
encrypted value that was read, so a value that was erased or replaced meanwhile stays unchanged.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.encryption import (
    open_job_key,
    open_provider_secret,
    open_user_key,
    seal_job_key,
    seal_provider_secret,
    seal_user_key,
)
from chalicelib.keys.lifecycle import LEAD_SECONDS, current_of
from chalicelib.keys.rotation import CannotRotate, KeyRotator, RotationStep, forget
from chalicelib.ports.keys import Keys
from chalicelib.protocol.sealing import DecryptionFailed, sealed_version
from chalicelib.records.item_keys import RESEAL, job_key_item_key, keyset_item_key, provider_item_key, user_key_item_key
from chalicelib.records.keyset import Keyset
from chalicelib.records.reseal import Reseal
from chalicelib.records.small_items import JobKey, KeysetItem, UserKey

PAGE = 100
LEAST_SECONDS = 5


class Resealed(Struct, frozen=True, kw_only=True):
    """The result of one run.

    state   nothing_to_do: the vault has one key; too_early: a process may still use the old key until `at`;
            going_on: more pages follow; resealed: all pages are done; clean: nothing used an old key; they are deleted
    """

    state: Literal["nothing_to_do", "too_early", "going_on", "resealed", "clean"]
    look: Reseal | None = None
    at: int | None = None
    gone: tuple[RotationStep, ...] = ()


def reseal_vault(
    rotator: KeyRotator, keys: Keys, *, provider_ids: Iterable[str], now: Callable[[], int], left: Callable[[], float]
) -> Resealed:
    """Continue the pass over all users' keys, as long as there is time. A pass that finds no old value deletes the old
    keys.

    provider_ids   of all provider files, whose client secrets are encrypted under the vault key too
    left           returns the seconds left

    Raises StoreUnavailable.
    """
    item_key = keyset_item_key("vault")
    found = rotator.ring.read(item_key, RESEAL)
    item, look = found.get(item_key), found.get(RESEAL)
    current = current_of(item) if item else None
    if item is None or current is None or not any(key.state == "retired" for key in item.keys):
        return Resealed(state="nothing_to_do")
    ready_at = (current.since or current.created_at) + LEAD_SECONDS
    if now() < ready_at:
        return Resealed(state="too_early", at=ready_at)
    vault, read = keys.get("vault"), look
    if vault.current.version != current.version:
        return Resealed(state="too_early", at=now() + LEAD_SECONDS)
    look = _begin(look, current.version, now())
    if not look.cursor:
        look = _reseal_secrets(rotator, vault, look, provider_ids)
    while left() > LEAST_SECONDS:
        look, cursor = _reseal_page(rotator, vault, look)
        look = replace(look, cursor=cursor, revision=look.revision + 1)
        if not rotator.ring.put_look(look, read=read):
            return Resealed(state="going_on", look=look)
        read = look
        if not cursor:
            return _ended(rotator, item, look)
        rotator.log.event("resealing", seen=look.seen, resealed=look.resealed)
    return Resealed(state="going_on", look=look)


def _begin(look: Reseal | None, version: int, now: int) -> Reseal:
    """Continue where the last run stopped; start again if that pass ended or was for another key."""
    if look is not None and look.version == version and look.cursor:
        return look
    return Reseal(version=version, began_at=now, revision=look.revision if look else 0)


def _ended(rotator: KeyRotator, item: KeysetItem, look: Reseal) -> Resealed:
    """Delete the old keys if the whole pass found no value under them."""
    rotator.log.event("resealed", seen=look.seen, resealed=look.resealed, broken=look.broken)
    if look.broken:
        rotator.log.event("alarm", kind="user_key_does_not_open", count=look.broken)
    if look.resealed or look.broken:
        return Resealed(state="resealed", look=look)
    old = frozenset(key.version for key in item.keys if key.state == "retired")
    try:
        return Resealed(state="clean", look=look, gone=tuple(forget(rotator, "vault", old, read=item)))
    except CannotRotate:  # another process changed this keyset meanwhile; the next pass deletes them
        return Resealed(state="resealed", look=look)


def _reseal_page(rotator: KeyRotator, vault: Keyset, look: Reseal) -> tuple[Reseal, str]:
    page, cursor = rotator.ring.list_sealed(look.cursor, most=PAGE)
    for kept in page:
        look = replace(look, seen=look.seen + 1)
        if sealed_version(kept.sealed) != vault.current.version:
            look = _count(look, worked=_reseal_one(rotator, vault, kept))
    return look, cursor


def _reseal_one(rotator: KeyRotator, vault: Keyset, kept: UserKey | JobKey) -> bool:
    """False if no version decrypts it."""
    salt = rotator.entropy.token_bytes(32)
    try:
        if isinstance(kept, UserKey):
            sealed = seal_user_key(vault, open_user_key(vault, kept.sealed, sub=kept.sub), sub=kept.sub, salt=salt)
            rotator.ring.reseal(user_key_item_key(kept.sub), sealed, read=kept.sealed)
        else:
            opened = open_job_key(vault, kept)
            sealed = seal_job_key(vault, opened, sub=kept.sub, expires_at=kept.expires_at, salt=salt)
            rotator.ring.reseal(job_key_item_key(kept.sub), sealed, read=kept.sealed)
    except DecryptionFailed:
        return False
    return True


def _reseal_secrets(rotator: KeyRotator, vault: Keyset, look: Reseal, provider_ids: Iterable[str]) -> Reseal:
    """Encrypt the broker's client secrets again."""
    item_keys = [provider_item_key(name) for name in provider_ids]
    found = rotator.ring.read(*item_keys)
    for item_key in item_keys:
        record = found.get(item_key)
        if record is None or not record.sealed_secret or sealed_version(record.sealed_secret) == vault.current.version:
            continue
        try:
            secret = open_provider_secret(vault, record)
            sealed = seal_provider_secret(vault, secret, record=record, salt=rotator.entropy.token_bytes(32))
            rotator.ring.reseal(item_key, sealed, read=record.sealed_secret, field="sealed_secret")
            look = _count(look, worked=True)
        except DecryptionFailed:
            look = _count(look, worked=False)
    return look


def _count(look: Reseal, *, worked: bool) -> Reseal:
    return replace(look, resealed=look.resealed + worked, broken=look.broken + (not worked))
