"""Which answer of a provider stays in a connection's one recovery item, and which a revocation waits for: pure.

No put may destroy an answer that still lives at the provider: an earlier sign-in's, or a sibling's where one call ends
one token. A duty to end it comes first.
"""

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery


class Replace(Struct, frozen=True, kw_only=True):
    """Write mine over what was found; `duty`: what was found must be ended first."""

    duty: bool


class Keep(Struct, frozen=True, kw_only=True):
    """What was found is newer; `duty`: mine must be ended."""

    duty: bool


def decide_recovery(
    found: Recovery, mine: Recovery, definition: ProviderDefinition, *, same_token: bool, lighter: bool = False
) -> Replace | Keep:
    """Choose between two answers.

    same_token   both carry one refresh token, so ending either would end the other
    lighter      mine brings less than what was found (`weigh`)
    """
    ends = definition.revocation.ends
    if found.generation < 0:
        return Replace(duty=False)
    if lighter and (found.generation, found.line) == (mine.generation, mine.line):
        return Keep(duty=False)
    earlier = found.line < mine.line and ends != "app"
    sibling = ends == "token" and found.generation == mine.generation and found.attempt < mine.attempt
    if (earlier or sibling) and not same_token:
        return Replace(duty=True)
    older = found.generation < mine.generation
    if older or (found.generation == mine.generation and found.attempt <= mine.attempt):
        return Replace(duty=False)
    later_line = found.line > mine.generation and ends == "family"
    return Keep(duty=not same_token and (ends == "token" or later_line))


def answer_of(tombstone: Connection, recovery: Recovery | None) -> Recovery | None:
    """The answer that belongs to what was ended here, not to a later sign-in."""
    mine = recovery is not None and 0 <= recovery.generation <= tombstone.revoked_generation
    return recovery if mine else None


def awaited_attempts(
    tombstone: Connection, definition: ProviderDefinition, recovery: Recovery | None, *, unread: bool
) -> set[int]:
    """Attempts whose answer a job must look for: one without an end, but for the one whose answer was found, and one
    whose answer cannot be read yet."""
    found = (recovery.generation, recovery.attempt) if recovery else None
    answered = found == (tombstone.revoked_generation, tombstone.attempt)
    is_open = definition.refresh.replaces and tombstone.attempt_started > 0 and not answered
    unread_attempt = {recovery.attempt} if recovery and unread else set[int]()
    return unread_attempt | ({tombstone.attempt} if is_open else set())
