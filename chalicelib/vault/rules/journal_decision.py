"""Pure decisions about stored refresh responses: which one stays in the recovery item, and which a revocation awaits.

No write may destroy a response with valid tokens at the provider: one of an earlier sign-in, or a sibling if a call
revokes only one token. A revocation job for those tokens comes first.
"""

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery


class Replace(Struct, frozen=True, kw_only=True):
    """Write the new response over the stored one; `must_revoke`: revoke the stored one's tokens first."""

    must_revoke: bool


class Keep(Struct, frozen=True, kw_only=True):
    """The stored response is newer; `must_revoke`: revoke the new response's tokens."""

    must_revoke: bool


def decide_recovery(
    found: Recovery, mine: Recovery, definition: ProviderDefinition, *, same_token: bool, lighter: bool = False
) -> Replace | Keep:
    """Choose between the stored response (`found`) and the new one (`mine`).

    same_token   both contain the same refresh token, so revoking either would revoke the other
    lighter      `mine` brings less than `found` (see `weigh`)
    """
    ends = definition.revocation.ends
    if found.generation < 0:
        return Replace(must_revoke=False)
    if lighter and (found.generation, found.line) == (mine.generation, mine.line):
        return Keep(must_revoke=False)
    earlier = found.line < mine.line and ends != "app"
    sibling = ends == "token" and found.generation == mine.generation and found.attempt < mine.attempt
    if (earlier or sibling) and not same_token:
        return Replace(must_revoke=True)
    older = found.generation < mine.generation
    if older or (found.generation == mine.generation and found.attempt <= mine.attempt):
        return Replace(must_revoke=False)
    later_line = found.line > mine.generation and ends == "family"
    return Keep(must_revoke=not same_token and (ends == "token" or later_line))


def answer_of(tombstone: Connection, recovery: Recovery | None) -> Recovery | None:
    """The response that belongs to the revoked generations, not to a later sign-in."""
    mine = recovery is not None and 0 <= recovery.generation <= tombstone.revoked_generation
    return recovery if mine else None


def awaited_attempts(
    tombstone: Connection, definition: ProviderDefinition, recovery: Recovery | None, *, unread: bool
) -> set[int]:
    """The attempts whose response a job must look for.

    These are an open attempt, unless its response was found, and an attempt whose response cannot be read yet.
    """
    found = (recovery.generation, recovery.attempt) if recovery else None
    answered = found == (tombstone.revoked_generation, tombstone.attempt)
    is_open = definition.refresh.replaces and tombstone.attempt_started > 0 and not answered
    unread_attempt = {recovery.attempt} if recovery and unread else set[int]()
    return unread_attempt | ({tombstone.attempt} if is_open else set())
