"""Sealing users' keys anew after the vault's key was turned, page by page, as often as it takes. Never by a request.

A user's key alone is sealed under the vault's; all else of that user is sealed under the user's own, and stays.
Every write is a compare and swap on the seal that was read: what was erased or replaced meanwhile is left alone.
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
from chalicelib.ports import Keys
from chalicelib.protocol.sealing import DecryptionFailed, sealed_version
from chalicelib.records.item_keys import RESEAL, job_key_item_key, keyset_item_key, provider_item_key, user_key_item_key
from chalicelib.records.keyset import Keyset
from chalicelib.records.reseal import Reseal
from chalicelib.records.small_items import JobKey, KeysetItem, UserKey

PAGE = 100
LEAST_SECONDS = 5


class Resealed(Struct, frozen=True, kw_only=True):
    """What came of one run.

    state   nothing_to_do: the vault has one key; too_early: a process may still seal under the old one until `at`;
            going_on: there are more; resealed: all were looked at; clean: none needed it, and the old keys are gone
    """

    state: Literal["nothing_to_do", "too_early", "going_on", "resealed", "clean"]
    look: Reseal | None = None
    at: int | None = None
    gone: tuple[RotationStep, ...] = ()


def reseal_vault(
    turner: KeyRotator, keys: Keys, *, provider_ids: Iterable[str], now: Callable[[], int], left: Callable[[], float]
) -> Resealed:
    """Go on with the look at all keys of users, as long as there is time; a look that finds nothing ends the old keys.

    provider_ids   all that there are files for: our secrets there are sealed under the vault's key too
    left           seconds

    Raises StoreUnavailable.
    """
    item_key = keyset_item_key("vault")
    found = turner.ring.read(item_key, RESEAL)
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
        look = _reseal_secrets(turner, vault, look, provider_ids)
    while left() > LEAST_SECONDS:
        look, cursor = _reseal_page(turner, vault, look)
        look = replace(look, cursor=cursor, revision=look.revision + 1)
        if not turner.ring.put_look(look, read=read):
            return Resealed(state="going_on", look=look)
        read = look
        if not cursor:
            return _ended(turner, item, look)
        turner.log.event("resealing", seen=look.seen, resealed=look.resealed)
    return Resealed(state="going_on", look=look)


def _begin(look: Reseal | None, version: int, now: int) -> Reseal:
    """From where the last one stopped; from the beginning where it had come to its end, or was about another key."""
    if look is not None and look.version == version and look.cursor:
        return look
    return Reseal(version=version, began_at=now, revision=look.revision if look else 0)


def _ended(turner: KeyRotator, item: KeysetItem, look: Reseal) -> Resealed:
    """Nothing that came by was sealed under an old key: nothing needs one."""
    turner.log.event("resealed", seen=look.seen, resealed=look.resealed, broken=look.broken)
    if look.broken:
        turner.log.event("alarm", kind="user_key_does_not_open", count=look.broken)
    if look.resealed or look.broken:
        return Resealed(state="resealed", look=look)
    old = frozenset(key.version for key in item.keys if key.state == "retired")
    try:
        return Resealed(state="clean", look=look, gone=tuple(forget(turner, "vault", old, read=item)))
    except CannotRotate:  # somebody else took a step of this keyset meanwhile; the next look ends them
        return Resealed(state="resealed", look=look)


def _reseal_page(turner: KeyRotator, vault: Keyset, look: Reseal) -> tuple[Reseal, str]:
    page, cursor = turner.ring.list_sealed(look.cursor, most=PAGE)
    for kept in page:
        look = replace(look, seen=look.seen + 1)
        if sealed_version(kept.sealed) != vault.current.version:
            look = _count(look, worked=_reseal_one(turner, vault, kept))
    return look, cursor


def _reseal_one(turner: KeyRotator, vault: Keyset, kept: UserKey | JobKey) -> bool:
    """False where no version opens it."""
    salt = turner.entropy.token_bytes(32)
    try:
        if isinstance(kept, UserKey):
            sealed = seal_user_key(vault, open_user_key(vault, kept.sealed, sub=kept.sub), sub=kept.sub, salt=salt)
            turner.ring.reseal(user_key_item_key(kept.sub), sealed, read=kept.sealed)
        else:
            opened = open_job_key(vault, kept)
            sealed = seal_job_key(vault, opened, sub=kept.sub, expires_at=kept.expires_at, salt=salt)
            turner.ring.reseal(job_key_item_key(kept.sub), sealed, read=kept.sealed)
    except DecryptionFailed:
        return False
    return True


def _reseal_secrets(turner: KeyRotator, vault: Keyset, look: Reseal, provider_ids: Iterable[str]) -> Reseal:
    """Our client secrets at the providers."""
    places = [provider_item_key(name) for name in provider_ids]
    found = turner.ring.read(*places)
    for place in places:
        record = found.get(place)
        if record is None or not record.sealed_secret or sealed_version(record.sealed_secret) == vault.current.version:
            continue
        try:
            secret = open_provider_secret(vault, record)
            sealed = seal_provider_secret(vault, secret, record=record, salt=turner.entropy.token_bytes(32))
            turner.ring.reseal(place, sealed, read=record.sealed_secret, field="sealed_secret")
            look = _count(look, worked=True)
        except DecryptionFailed:
            look = _count(look, worked=False)
    return look


def _count(look: Reseal, *, worked: bool) -> Reseal:
    return replace(look, resealed=look.resealed + worked, broken=look.broken + (not worked))
