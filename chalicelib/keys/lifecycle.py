"""The next step of a key: published, then signing (or current), then retiring (or retired), then deleted.

A key is published long enough before its first use that every process and every cached key set contains it by then. It
stays until everything that it encrypted or signed has expired. Each step is a new keyset, by one compare and swap.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.records.keyset import WrappedKey
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem

DAY = 86400
SKEW_SECONDS = 120
# A process reads its keysets every 60 s. While the table is unavailable, it continues with the last ones for 300 s.
PROCESS_SECONDS = 300
LEAD_SECONDS = 2 * PROCESS_SECONDS
FOREIGN_CACHE_SECONDS = DAY  # how long clients may cache the key set, even beyond its max-age of 300 s
MOST_TOKEN_SECONDS = DAY  # no API of the operator has tokens that live longer
NONCE_SECONDS = 600
MOST_VERSIONS = 255  # a handle holds its key's version in one byte

StepKind = Literal["publish", "use", "forget", "wait"]


class Rules(Struct, frozen=True, kw_only=True):
    """How the keys of one purpose rotate.

    days      how long a key is used before the schedule replaces it; 0: only the operator rotates
    lead      seconds between publication and use
    longest   lifetime in seconds of everything under the key; None: until all of it is encrypted again or deleted
    """

    days: int
    lead: int = LEAD_SECONDS
    longest: int | None


class Step(Struct, frozen=True, kw_only=True):
    """The next step of a keyset.

    at        earliest time, epoch seconds; None: only if the operator requests it
    version   the key that is used or deleted; 0: a new one is published
    """

    kind: StepKind
    at: int | None
    version: int = 0

    def is_due(self, now: int) -> bool:
        """True if the step may be taken."""
        return self.at is not None and self.at <= now


class NeverRotated(Exception):
    """The ids of users and connections are derived from this key: with another key, every `sub` would change."""


def rules_of(purpose: str, settings: Settings) -> Rules:
    """The rotation rules for this purpose in this deployment. Raises NeverRotated for `identity`."""
    tokens = max(settings.access_token_seconds, settings.id_token_seconds, MOST_TOKEN_SECONDS)
    grants = max(settings.refresh_end_seconds, settings.bff_end_seconds, settings.device_seconds)
    browsers = max(settings.session_seconds, settings.bff_end_seconds, settings.pending_seconds, DAY)
    by_purpose = {
        "signing": Rules(days=settings.signing_key_days, lead=FOREIGN_CACHE_SECONDS + LEAD_SECONDS, longest=tokens),
        "handle": Rules(days=settings.key_days, longest=grants + settings.access_token_seconds),
        "cookie": Rules(days=settings.key_days, longest=browsers),
        "pepper": Rules(days=0, longest=None),
        "audit": Rules(days=0, longest=None),
        "user_code": Rules(days=settings.key_days, longest=settings.device_seconds),
        "nonce": Rules(days=settings.key_days, longest=NONCE_SECONDS),
        "pairwise": Rules(days=settings.key_days, longest=tokens),
        "vault": Rules(days=settings.key_days, longest=None),
    }
    if purpose not in by_purpose:
        raise NeverRotated(purpose)
    return by_purpose[purpose]


def current_of(item: KeysetItem) -> WrappedKey | None:
    """The key that encrypts or signs; None unless there is exactly one, which rotation cannot repair."""
    found = [key for key in item.keys if key.state in ("signing", "current")]
    return found[0] if len(found) == 1 else None


def next_step(item: KeysetItem, rules: Rules) -> Step:
    """The next step and its time: delete an expired key, then use a published one, then publish a new one."""
    current = current_of(item)
    if current is None:
        return Step(kind="wait", at=None)
    ends = [Step(kind="forget", at=_gone_at(key, rules), version=key.version) for key in item.keys if _is_over(key)]
    waiting = [key for key in item.keys if key.state == "published"]
    steps = [step for step in ends if step.at is not None]
    if waiting:
        steps.append(Step(kind="use", at=_since(waiting[0]) + rules.lead, version=waiting[0].version))
    elif rules.days and not ends:
        steps.append(Step(kind="publish", at=_since(current) + rules.days * DAY - rules.lead))
    return min(steps, key=_when, default=Step(kind="wait", at=None))


def published(item: KeysetItem, key: WrappedKey) -> KeysetItem:
    """Add a new version, which only decrypts and verifies so far."""
    return _next(item, (*item.keys, key))


def used(item: KeysetItem, version: int, *, rules: Rules, now: int) -> KeysetItem:
    """Make that version encrypt or sign and the previous one only decrypt or verify, so that exactly one is in use."""
    active, passive = ("signing", "retiring") if item.purpose == "signing" else ("current", "retired")
    longest = rules.longest or 0

    def turn(key: WrappedKey) -> WrappedKey:
        if key.version == version:
            return replace(key, state=active, since=now, longest=longest)
        if key.state == active:
            return replace(key, state=passive, since=now, longest=max(key.longest, longest))
        return key

    return _next(item, tuple(turn(key) for key in item.keys))


def without(item: KeysetItem, versions: frozenset[int]) -> KeysetItem:
    """Delete these versions."""
    return _next(item, tuple(key for key in item.keys if key.version not in versions))


def replaced(item: KeysetItem, key: WrappedKey) -> KeysetItem:
    """Replace all keys with one at once: everything that the others encrypted or signed becomes void."""
    return _next(item, (key,))


def noting(item: KeysetItem, rules: Rules) -> KeysetItem:
    """Record the longest lifetime under the current key, so that a lower setting later does not delete the key too
    early."""
    current, longest = current_of(item), rules.longest or 0
    if current is None or current.longest >= longest:
        return item
    noted = replace(current, longest=longest)
    return _next(item, tuple(noted if key is current else key for key in item.keys))


def lost_from(copy: KeysetItem, item: KeysetItem) -> frozenset[int]:
    """Versions in the copy that may have encrypted something, but are missing or different in the keyset.

    Versions only rise. A version that is missing below a higher one was deleted by a process that crashed before it
    updated the copy.
    """
    kept, versions = {(key.version, key.wrapped) for key in item.keys}, {key.version for key in item.keys}
    ended = {key.version for key in copy.keys if key.version < max(versions, default=0)} - versions
    used_there = (key for key in copy.keys if key.state != "published" and key.version not in ended)
    return frozenset(key.version for key in used_there if (key.version, key.wrapped) not in kept)


def next_version(item: KeysetItem) -> int:
    """The next version. Versions only rise, because KMS and every encrypted value name them."""
    return max(key.version for key in item.keys) + 1


def _next(item: KeysetItem, keys: tuple[WrappedKey, ...]) -> KeysetItem:
    return replace(item, keys=keys, revision=item.revision + 1)


def _since(key: WrappedKey) -> int:
    return key.since or key.created_at


def _is_over(key: WrappedKey) -> bool:
    return key.state in ("retiring", "retired")


def _gone_at(key: WrappedKey, rules: Rules) -> int | None:
    """When a key is deleted. A process with an old keyset may use the key for PROCESS_SECONDS after the swap."""
    if rules.longest is None:
        return None
    return _since(key) + max(key.longest, rules.longest) + PROCESS_SECONDS + SKEW_SECONDS


def _when(step: Step) -> int:
    return step.at or 0
