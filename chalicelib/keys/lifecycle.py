"""When a key takes its next step: published, then signing (or current), then retiring (or retired), then gone.

A key is published so long before it seals or signs that every process and every cache of the key set knows it by then,
and stays until the last thing that it sealed or signed is over. Each step is a new keyset, one compare and swap.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.records.keyset import WrappedKey
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem

DAY = 86400
SKEW_SECONDS = 120
# A process reads its keysets every 60 s; while the table is away it goes on with what it read for 300 s.
PROCESS_SECONDS = 300
LEAD_SECONDS = 2 * PROCESS_SECONDS
FOREIGN_CACHE_SECONDS = DAY  # so long others may keep our key set, whatever its max-age of 300 s says
MOST_TOKEN_SECONDS = DAY  # no resource of a team's own has tokens that live longer
NONCE_SECONDS = 600
MOST_VERSIONS = 255  # a handle holds its key's version in one byte

StepKind = Literal["publish", "use", "forget", "wait"]


class Rules(Struct, frozen=True, kw_only=True):
    """How the keys of one purpose turn.

    days      how long a key seals or signs before the schedule turns it; 0: until the operator does
    lead      seconds between published and used
    longest   seconds that anything under it lives; None: until all of it was sealed anew, or is gone, if ever
    """

    days: int
    lead: int = LEAD_SECONDS
    longest: int | None


class Step(Struct, frozen=True, kw_only=True):
    """What comes next.

    at        epoch seconds: not before; None: only when the operator says so
    version   which one is used, or forgotten; 0: a new one is published
    """

    kind: StepKind
    at: int | None
    version: int = 0

    def is_due(self, now: int) -> bool:
        """True where it may be taken."""
        return self.at is not None and self.at <= now


class NeverRotated(Exception):
    """The names of users and connections are derived from this key: another one would make everybody somebody else."""


def rules_of(purpose: str, settings: Settings) -> Rules:
    """How the keys of this purpose turn in this deployment. Raises NeverTurned for `identity`."""
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
    """The one that seals or signs; None where there is not exactly one, which nothing here mends."""
    found = [key for key in item.keys if key.state in ("signing", "current")]
    return found[0] if len(found) == 1 else None


def next_step(item: KeysetItem, rules: Rules) -> Step:
    """What comes next for this keyset, and when: what is over goes first, then who waits, then somebody new."""
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
    """With a new version, which opens and verifies and does nothing else yet."""
    return _next(item, (*item.keys, key))


def used(item: KeysetItem, version: int, *, rules: Rules, now: int) -> KeysetItem:
    """That version seals or signs from now on, and the one that did only opens or verifies: never two, never none."""
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
    """These versions are gone."""
    return _next(item, tuple(key for key in item.keys if key.version not in versions))


def replaced(item: KeysetItem, key: WrappedKey) -> KeysetItem:
    """That key alone, at once: what the others sealed or signed is void."""
    return _next(item, (key,))


def noting(item: KeysetItem, rules: Rules) -> KeysetItem:
    """The longest life of what is sealed or signed now: a setting that is lowered later ends nothing that lives."""
    current, longest = current_of(item), rules.longest or 0
    if current is None or current.longest >= longest:
        return item
    noted = replace(current, longest=longest)
    return _next(item, tuple(noted if key is current else key for key in item.keys))


def lost_from(copy: KeysetItem, item: KeysetItem) -> frozenset[int]:
    """Versions of the copy under which something may be sealed, which the keyset has not, or as another key.

    Versions only rise: one that is missing below another was ended, by who died before the copy said so.
    """
    kept, versions = {(key.version, key.wrapped) for key in item.keys}, {key.version for key in item.keys}
    ended = {key.version for key in copy.keys if key.version < max(versions, default=0)} - versions
    used_there = (key for key in copy.keys if key.state != "published" and key.version not in ended)
    return frozenset(key.version for key in used_there if (key.version, key.wrapped) not in kept)


def next_version(item: KeysetItem) -> int:
    """Versions only rise: KMS and everything that is sealed names them."""
    return max(key.version for key in item.keys) + 1


def _next(item: KeysetItem, keys: tuple[WrappedKey, ...]) -> KeysetItem:
    return replace(item, keys=keys, revision=item.revision + 1)


def _since(key: WrappedKey) -> int:
    return key.since or key.created_at


def _is_over(key: WrappedKey) -> bool:
    return key.state in ("retiring", "retired")


def _gone_at(key: WrappedKey, rules: Rules) -> int | None:
    """A process that has not read the keyset again may seal or sign under it for PROCESS_SECONDS more."""
    if rules.longest is None:
        return None
    return _since(key) + max(key.longest, rules.longest) + PROCESS_SECONDS + SKEW_SECONDS


def _when(step: Step) -> int:
    return step.at or 0
