"""Turning keys: by the schedule, by the operator, and in an emergency at once. Never by a request.

Each step is one compare and swap on the keyset's revision, so it may be tried twice, late, or by two at once: one wins,
and the other finds it done.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.ports import Entropy, KeyRing, Log, Refused
from chalicelib.protocol.jose import new_signing_key, public_jwk
from chalicelib.protocol.key_states import (
    MOST_VERSIONS,
    NeverTurned,
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
from chalicelib.records.keyset import Purpose, WrappedKey
from chalicelib.records.places import keyset_place
from chalicelib.records.settings import Settings
from chalicelib.records.stored import KeysetItem

KEY_BYTES = 32
MOST_STEPS = 3  # of one keyset in one run: one goes, one is used, a new one is published
Done = Literal["published", "used", "gone", "rolled"]
DONE: dict[str, Done] = {"publish": "published", "use": "used", "forget": "gone"}


class KeyTurn(Struct, frozen=True, kw_only=True):
    """One step that was taken."""

    purpose: Purpose
    version: int
    done: Done


class CannotTurn(Exception):
    """Not now, or not so; `step` is what comes next for that keyset, where anything does."""

    def __init__(self, reason: str, step: Step | None = None) -> None:
        super().__init__(reason)
        self.step = step


class Turner(Struct, frozen=True, kw_only=True):
    """Whoever turns keys, and with what."""

    ring: KeyRing
    settings: Settings
    entropy: Entropy
    log: Log


def turn_due(turner: Turner, *, now: int) -> list[KeyTurn]:
    """Take every step whose time has come; nothing where nobody has to. Raises StoreUnavailable."""
    purposes: tuple[Purpose, ...] = get_args(Purpose)
    found = turner.ring.read(*(keyset_place(purpose) for purpose in purposes))
    taken: list[KeyTurn] = []
    for purpose in purposes:
        item = found.get(keyset_place(purpose))
        if item is None or purpose == "identity":
            continue
        try:
            taken += _turn_due(turner, purpose, item, now=now)
        except CannotTurn as cannot:
            turner.log.event("alarm", kind="key_cannot_turn", purpose=purpose, reason=str(cannot))
    return taken


def _turn_due(turner: Turner, purpose: Purpose, item: KeysetItem, *, now: int) -> Iterator[KeyTurn]:
    rules = rules_of(purpose, turner.settings)
    for _ in range(MOST_STEPS):
        step = next_step(item, rules)
        if not step.is_due(now):
            _note(turner, item, rules)
            return
        turn, item = _take(turner, purpose, item, step, rules, now=now)
        if turn is None:
            return
        yield turn


def turn_one(turner: Turner, purpose: Purpose, *, now: int) -> KeyTurn:
    """Begin to turn this key, or go on with it where that is due. Raises CannotTurn, StoreUnavailable."""
    item, rules = _read(turner, purpose)
    step = next_step(item, rules)
    while step.kind == "forget" and step.is_due(now):
        gone, item = _take(turner, purpose, item, step, rules, now=now)
        step = next_step(item, rules) if gone else Step(kind="wait", at=None)
    if not step.is_due(now):
        if any(key.state == "published" for key in item.keys):
            raise CannotTurn("already_published", step)
        step = Step(kind="publish", at=now)
    turn, _ = _take(turner, purpose, item, step, rules, now=now)
    if turn is None:
        raise CannotTurn("changed_meanwhile")
    return turn


def roll_signing(turner: Turner, *, now: int) -> KeyTurn:
    """A new key signs at once, and no other verifies: every token that was signed before is void from now on.

    Raises CannotTurn, StoreUnavailable.
    """
    item, rules = _read(turner, "signing")
    fresh = _make(turner, "signing", item, now=now)
    signing = replace(fresh, state="signing", longest=rules.longest or 0)
    if isinstance(turner.ring.swap(replaced(item, signing), read=item), Refused):
        raise CannotTurn("changed_meanwhile")
    return _told(turner, "signing", fresh.version, "rolled")


def forget(turner: Turner, purpose: Purpose, versions: frozenset[int], *, read: KeysetItem) -> list[KeyTurn]:
    """Versions that nothing needs any more are gone, for good. Raises CannotTurn, StoreUnavailable."""
    left = without(read, versions)
    if isinstance(turner.ring.swap(left, read=read), Refused):
        raise CannotTurn("changed_meanwhile")
    if purpose == "vault":
        turner.ring.keep_copy(left, gone=versions)
    return [_told(turner, purpose, version, "gone") for version in sorted(versions)]


def _read(turner: Turner, purpose: Purpose) -> tuple[KeysetItem, Rules]:
    try:
        rules = rules_of(purpose, turner.settings)
    except NeverTurned:
        raise CannotTurn("never_turned") from None
    item = turner.ring.read(keyset_place(purpose)).get(keyset_place(purpose))
    if item is None:
        raise CannotTurn("keyset_missing")
    if current_of(item) is None:
        raise CannotTurn("keyset_without_one_current_key")
    return item, rules


def _take(
    turner: Turner, purpose: Purpose, item: KeysetItem, step: Step, rules: Rules, *, now: int
) -> tuple[KeyTurn | None, KeysetItem]:
    """What was done, and the keyset after it; None where somebody else was faster."""
    version, done = step.version, DONE[step.kind]
    if step.kind == "publish":
        fresh = _make(turner, purpose, item, now=now)
        after, version = published(item, fresh), fresh.version
    elif step.kind == "use":
        after = used(item, version, rules=rules, now=now)
    else:
        after = without(item, frozenset({version}))
    if purpose == "vault" and step.kind != "forget" and not turner.ring.keep_copy(after):
        # Nothing is sealed under a key of which there is no copy yet, and none is made where a restored table has
        # forgotten keys that the copy still has: another one of the same version would take their place there.
        if turner.ring.read(keyset_place(purpose)).get(keyset_place(purpose)) == item:
            raise CannotTurn("copy_is_newer", step)
        return None, item
    if isinstance(turner.ring.swap(after, read=item), Refused):
        return None, item
    return _told(turner, purpose, version, done), after


def _make(turner: Turner, purpose: Purpose, item: KeysetItem, *, now: int) -> WrappedKey:
    version, signing = next_version(item), purpose == "signing"
    if version > MOST_VERSIONS and not signing:
        raise CannotTurn("no_version_left")
    plain = new_signing_key() if signing else turner.entropy.token_bytes(KEY_BYTES)
    return WrappedKey(
        version=version,
        state="published",
        created_at=now,
        since=now,
        wrapped=turner.ring.wrap(purpose, version, plain),
        public_jwk=public_jwk(plain) if signing else None,
    )


def _note(turner: Turner, item: KeysetItem, rules: Rules) -> None:
    noted = noting(item, rules)
    if noted is not item:
        turner.ring.swap(noted, read=item)


def _told(turner: Turner, purpose: Purpose, version: int, done: Done) -> KeyTurn:
    turner.log.event("key_turned", purpose=purpose, version=version, done=done)
    return KeyTurn(purpose=purpose, version=version, done=done)
