"""Key rotation: by the schedule, by the operator, and at once in an emergency. Requests never rotate keys.

Each step is one compare and swap on the keyset's revision. A step may be tried twice, late, or by two processes at
once: one wins, and the other finds it done.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.keys.lifecycle import (
    MOST_VERSIONS,
    NeverRotated,
    Rules,
    Step,
    current_of,
    next_step,
    next_version,
    noting,
    published,
    replaced,
    rules_of,
    used,
    without,
)
from chalicelib.ports import Entropy, Refused
from chalicelib.ports.keys import KeyRing
from chalicelib.ports.log import Log
from chalicelib.protocol.own_jwt import new_signing_key, public_jwk
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.keyset import Purpose, WrappedKey
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem

KEY_BYTES = 32
MOST_STEPS = 3  # of one keyset in one run: delete one, use one, publish one
Done = Literal["published", "used", "gone", "rolled"]
DONE: dict[str, Done] = {"publish": "published", "use": "used", "forget": "gone"}


class RotationStep(Struct, frozen=True, kw_only=True):
    """One completed step."""

    purpose: Purpose
    version: int
    done: Done


class CannotRotate(Exception):
    """The step is not possible now; `step` is the next one for that keyset, if there is any."""

    def __init__(self, reason: str, step: Step | None = None) -> None:
        super().__init__(reason)
        self.step = step


class KeyRotator(Struct, frozen=True, kw_only=True):
    """The dependencies of key rotation."""

    ring: KeyRing
    settings: Settings
    entropy: Entropy
    log: Log


def rotate_due(rotator: KeyRotator, *, now: int) -> list[RotationStep]:
    """Take every due step; usually there is none. Raises StoreUnavailable."""
    purposes: tuple[Purpose, ...] = get_args(Purpose)
    found = rotator.ring.read(*(keyset_item_key(purpose) for purpose in purposes))
    taken: list[RotationStep] = []
    for purpose in purposes:
        item = found.get(keyset_item_key(purpose))
        if item is None or purpose == "identity":
            continue
        try:
            taken += _take_due_steps(rotator, purpose, item, now=now)
        except CannotRotate as cannot:
            rotator.log.event("alarm", kind="key_cannot_turn", purpose=purpose, reason=str(cannot))
    return taken


def _take_due_steps(rotator: KeyRotator, purpose: Purpose, item: KeysetItem, *, now: int) -> Iterator[RotationStep]:
    rules = rules_of(purpose, rotator.settings)
    for _ in range(MOST_STEPS):
        step = next_step(item, rules)
        if not step.is_due(now):
            _note(rotator, item, rules)
            return
        turn, item = _take(rotator, purpose, item, step, rules, now=now)
        if turn is None:
            return
        yield turn


def rotate_one(rotator: KeyRotator, purpose: Purpose, *, now: int) -> RotationStep:
    """Start the rotation of this key, or continue it if a step is due. Raises CannotRotate, StoreUnavailable."""
    item, rules = _read(rotator, purpose)
    step = next_step(item, rules)
    while step.kind == "forget" and step.is_due(now):
        gone, item = _take(rotator, purpose, item, step, rules, now=now)
        step = next_step(item, rules) if gone else Step(kind="wait", at=None)
    if not step.is_due(now):
        if any(key.state == "published" for key in item.keys):
            raise CannotRotate("already_published", step)
        step = Step(kind="publish", at=now)
    turn, _ = _take(rotator, purpose, item, step, rules, now=now)
    if turn is None:
        raise CannotRotate("changed_meanwhile")
    return turn


def roll_signing(rotator: KeyRotator, *, now: int) -> RotationStep:
    """Sign with a new key at once and delete all others: every token signed before becomes void.

    Raises CannotRotate, StoreUnavailable.
    """
    item, rules = _read(rotator, "signing")
    fresh = _make(rotator, "signing", item, now=now)
    signing = replace(fresh, state="signing", longest=rules.longest or 0)
    if isinstance(rotator.ring.swap(replaced(item, signing), read=item), Refused):
        raise CannotRotate("changed_meanwhile")
    return _told(rotator, "signing", fresh.version, "rolled")


def forget(rotator: KeyRotator, purpose: Purpose, versions: frozenset[int], *, read: KeysetItem) -> list[RotationStep]:
    """Delete versions that nothing needs, permanently. Raises CannotRotate, StoreUnavailable."""
    left = without(read, versions)
    if isinstance(rotator.ring.swap(left, read=read), Refused):
        raise CannotRotate("changed_meanwhile")
    if purpose == "vault":
        rotator.ring.keep_copy(left, gone=versions)
    return [_told(rotator, purpose, version, "gone") for version in sorted(versions)]


def _read(rotator: KeyRotator, purpose: Purpose) -> tuple[KeysetItem, Rules]:
    try:
        rules = rules_of(purpose, rotator.settings)
    except NeverRotated:
        raise CannotRotate("never_turned") from None
    item = rotator.ring.read(keyset_item_key(purpose)).get(keyset_item_key(purpose))
    if item is None:
        raise CannotRotate("keyset_missing")
    if current_of(item) is None:
        raise CannotRotate("keyset_without_one_current_key")
    return item, rules


def _take(
    rotator: KeyRotator, purpose: Purpose, item: KeysetItem, step: Step, rules: Rules, *, now: int
) -> tuple[RotationStep | None, KeysetItem]:
    """Take a step and return it with the new keyset; None if another process was faster."""
    version, done = step.version, DONE[step.kind]
    if step.kind == "publish":
        fresh = _make(rotator, purpose, item, now=now)
        after, version = published(item, fresh), fresh.version
    elif step.kind == "use":
        after = used(item, version, rules=rules, now=now)
    else:
        after = without(item, frozenset({version}))
    if purpose == "vault" and step.kind != "forget" and not rotator.ring.keep_copy(after):
        # Nothing is encrypted under a key before a copy of the key exists. No copy is made if a restored table lacks
        # keys that the copy has, because a different key with the same version would replace them.
        if rotator.ring.read(keyset_item_key(purpose)).get(keyset_item_key(purpose)) == item:
            raise CannotRotate("copy_is_newer", step)
        return None, item
    if isinstance(rotator.ring.swap(after, read=item), Refused):
        return None, item
    return _told(rotator, purpose, version, done), after


def _make(rotator: KeyRotator, purpose: Purpose, item: KeysetItem, *, now: int) -> WrappedKey:
    version, signing = next_version(item), purpose == "signing"
    if version > MOST_VERSIONS and not signing:
        raise CannotRotate("no_version_left")
    plain = new_signing_key() if signing else rotator.entropy.token_bytes(KEY_BYTES)
    return WrappedKey(
        version=version,
        state="published",
        created_at=now,
        since=now,
        wrapped=rotator.ring.wrap(purpose, version, plain),
        public_jwk=public_jwk(plain) if signing else None,
    )


def _note(rotator: KeyRotator, item: KeysetItem, rules: Rules) -> None:
    noted = noting(item, rules)
    if noted is not item:
        rotator.ring.swap(noted, read=item)


def _told(rotator: KeyRotator, purpose: Purpose, version: int, done: Done) -> RotationStep:
    rotator.log.event("key_turned", purpose=purpose, version=version, done=done)
    return RotationStep(purpose=purpose, version=version, done=done)
