"""What is to be done with a connection whose access token is asked for: pure decisions.

A refresh token is used again only where the provider's file says that this is safe. When in doubt, nothing is certain
but the recovery item: an answer for the present generation is always finished first.
"""

from typing import Literal

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition, RefreshRules
from chalicelib.records.connection import Connection, Recovery

LEASE_SECONDS = 15
LEAST_LEASE_SECONDS, LEAST_FUNCTION_SECONDS = 9, 12
MARGIN_SECONDS, SPARE_SECONDS, MARGIN_SHARE = 300, 10, 5
TRIES_IN_DOUBT, DOUBT_SECONDS = 3, 3600
BACK_OFF_SECONDS, BACK_OFF_JITTER = (30, 120, 600, 3600), 4
# Of an answer that may hold new tokens and cannot be read: so long the file's `in_doubt` waits for a release that can.
UNREAD_SECONDS, UNREAD_RETRY_SECONDS = 86400, 300
# A token this young that the API refuses is not helped by another one: an app cannot make us refresh without end.
LEAST_AGE_SECONDS = 60

Doubt = Literal["", "again", "once", "ask"]


class Serve(Struct, frozen=True):
    """The stored access token may be handed out."""


class Lease(Struct, frozen=True, kw_only=True):
    """Take the lease and ask the provider.

    doubt    "" where the refresh token has certainly not been used; else what the provider's profile allows
    lives    the stored access token can be handed out meanwhile
    waits    although it looks alive, the provider's API has refused it: who loses the lease waits for the next one
    """

    doubt: Doubt
    lives: bool
    waits: bool = False


class Finish(Struct, frozen=True):
    """An answer for this generation has been received already: commit it, ask nobody."""

    recovery: Recovery


class Wait(Struct, frozen=True):
    """Somebody is asking the provider; look again in a moment."""


class Refuse(Struct, frozen=True, kw_only=True):
    """Nothing can be handed out.

    reason   "reauth_required": the user has to sign in again; anything else passes by itself, in retry_after seconds
    """

    reason: str
    retry_after: int = 0


Decision = Serve | Lease | Finish | Wait | Refuse


def decide_refresh(
    connection: Connection,
    recovery: Recovery | None,
    definition: ProviderDefinition,
    *,
    epoch: int,
    now: int,
    refused: int | None = None,
    unread_at: int = 0,
) -> Decision:
    """Decide the next step of one caller.

    connection   of this very user and client, not revoked
    recovery     as it stood in the same read; None also where it cannot be read yet
    unread_at    when such an answer came, if it may hold new tokens
    refused      token generation whose access token the provider's API has just refused to this caller
    """
    if connection.token_generation == refused:
        return _decide_replacement(connection, recovery, definition, epoch=epoch, now=now)
    swaps = definition.refresh.kind == "swap"
    lives = is_alive(connection, epoch=epoch, now=now, swaps=swaps)
    if lives and not is_due(connection, now, swaps=swaps):
        return Serve()
    if connection.is_leased(now):
        return Serve() if lives else Wait()
    if recovery is not None and is_answer_for(recovery, connection):
        return Finish(recovery)
    if connection.status == "reauth_required":
        return Refuse(reason="reauth_required")
    dead = swaps and not lives and connection.epoch == epoch  # only a live token is swapped for another
    if not connection.sealed_refresh_token or definition.refresh.kind == "none" or dead:
        return Serve() if lives else Refuse(reason="reauth_required")
    doubt = decide_doubt(connection, definition.refresh, epoch=epoch, now=now)
    retry_at = max(connection.retry_at, _next_try_in_doubt(connection, now) if doubt else 0)
    may_heal = doubt == "ask"  # a holder without an end may yet come back
    if lives and (retry_at > now or may_heal):
        return Serve()
    if retry_at > now:
        return Refuse(reason="provider_backing_off", retry_after=retry_at - now)
    if doubt in ("once", "ask") and now < unread_at + UNREAD_SECONDS:
        return Refuse(reason="provider_answer_unread", retry_after=UNREAD_RETRY_SECONDS)
    return Lease(doubt=doubt, lives=lives)


def _decide_replacement(
    connection: Connection, recovery: Recovery | None, definition: ProviderDefinition, *, epoch: int, now: int
) -> Decision:
    """Replace an access token that looks alive, only where that risks nothing; `Serve` where it has to stand as it is.

    An API refuses for reasons of its own too, so its word alone never spends a refresh token in doubt, asks a provider
    that is left alone, or sends the user to sign in again.
    """
    if connection.is_leased(now):
        return Wait()
    if recovery is not None and is_answer_for(recovery, connection):
        return Finish(recovery)
    if connection.status == "reauth_required":
        return Refuse(reason="reauth_required")
    renewable = bool(connection.sealed_refresh_token) and definition.refresh.kind != "none"
    doubt = decide_doubt(connection, definition.refresh, epoch=epoch, now=now)
    young = now < connection.tokens_at + LEAST_AGE_SECONDS
    if not renewable or doubt or young or connection.retry_at > now:
        return Serve()
    return Lease(doubt="", lives=True, waits=True)


def decide_doubt(connection: Connection, rules: RefreshRules, *, epoch: int, now: int) -> Doubt:
    """What may be done with a refresh token that an attempt without an end may have spent.

    A window of grace is open only by the clock, from the beginning of the first such attempt.
    """
    certain = connection.attempt_started == 0 and connection.status != "in_doubt" and connection.epoch == epoch
    if certain:
        return ""
    if rules.kind == "static" or rules.grace == "none":
        return rules.in_doubt
    since = connection.doubt_since or connection.attempt_started
    if since and now < since + rules.grace_seconds:
        return "again"
    return "ask" if rules.late_reuse == "revoke" else "once"


def is_alive(connection: Connection, *, epoch: int, now: int, swaps: bool = False) -> bool:
    """True where the stored access token can be used for a little while yet.

    In doubt it is not: an answer that was lost may have ended it, and a dead token helps nobody.

    swaps   a new one never ends the old, so that an answer that was lost has ended nothing
    """
    certain = connection.status in ("active", "partial") or (swaps and connection.status == "in_doubt")
    if not certain or connection.epoch != epoch:
        return False
    end = connection.access_expires_at
    return end is None or end > now + min(SPARE_SECONDS, _share(connection, SPARE_SECONDS))


def is_due(connection: Connection, now: int, *, swaps: bool = False) -> bool:
    """True inside the margin before the end: the smaller of five minutes and a fifth of its life.

    swaps   only a live token gets another one, and who comes too late has to sign in again: half of its life
    """
    end = connection.access_expires_at
    if swaps and end is not None and connection.tokens_at:
        return end <= now + (end - connection.tokens_at) // 2
    return end is not None and end <= now + min(MARGIN_SECONDS, _share(connection, SPARE_SECONDS))


def is_answer_for(recovery: Recovery, connection: Connection) -> bool:
    """True where it makes the next generation of just these tokens."""
    return (recovery.generation, recovery.line) == (connection.token_generation, connection.line)


def back_off(failures: int, *, now: int, chance: int) -> int:
    """When to try again after so many failures in a row.

    chance   0 to 255, drawn by the caller: those who failed together do not come back together
    """
    pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1]
    return now + pause + pause * chance // (256 * BACK_OFF_JITTER)


def uncertain_attempts(connection: Connection, now: int) -> tuple[int, ...]:
    """Those of the last hour."""
    return tuple(at for at in connection.doubt_tries if at > now - DOUBT_SECONDS)


def _next_try_in_doubt(connection: Connection, now: int) -> int:
    tries = uncertain_attempts(connection, now)
    return 0 if len(tries) < TRIES_IN_DOUBT else tries[-TRIES_IN_DOUBT] + DOUBT_SECONDS


def _share(connection: Connection, unknown: int) -> int:
    """A fifth of the access token's life, `unknown` where nobody noted when it began."""
    if connection.access_expires_at is None or not connection.tokens_at:
        return unknown
    return (connection.access_expires_at - connection.tokens_at) // MARGIN_SHARE
