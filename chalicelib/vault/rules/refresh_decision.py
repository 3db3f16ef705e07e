"""Pure decisions about the next step when a client requests a connection's access token.

A refresh token is used again only if the provider's file says that this is safe. A stored response for the present
generation is always committed before anything else.
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
# A response may hold new tokens but be unreadable. For this long, the file's `in_doubt` waits for a release that
# reads it.
UNREAD_SECONDS, UNREAD_RETRY_SECONDS = 86400, 300
# If the API refuses a token this young, a new one does not help. This stops an app from causing endless refreshes.
LEAST_AGE_SECONDS = 60

Doubt = Literal["", "again", "once", "ask"]


class Serve(Struct, frozen=True):
    """The stored access token may be handed out."""


class Lease(Struct, frozen=True, kw_only=True):
    """Take the lease and call the provider.

    doubt    "" if the refresh token has certainly not been used; else what the provider's file allows
    lives    the stored access token can be handed out meanwhile
    waits    the provider's API refused the token although it looks valid: callers without the lease wait for the next
             one
    """

    doubt: Doubt
    lives: bool
    waits: bool = False


class Finish(Struct, frozen=True):
    """A response for this generation is already stored: commit it without calling the provider."""

    recovery: Recovery


class Wait(Struct, frozen=True):
    """Another process is calling the provider: read again after a pause."""


class Refuse(Struct, frozen=True, kw_only=True):
    """Nothing can be handed out.

    reason   "reauth_required": the user must sign in again; for anything else, a retry after retry_after seconds can
             succeed
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

    connection   of exactly this user and client, not revoked
    recovery     the stored response from the same read; None also if it cannot be read yet
    unread_at    when such an unreadable response was received, if it may hold new tokens; else 0
    refused      token generation that the provider's API has just refused
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
    dead = swaps and not lives and connection.epoch == epoch  # only a valid token can be swapped for another
    if not connection.sealed_refresh_token or definition.refresh.kind == "none" or dead:
        return Serve() if lives else Refuse(reason="reauth_required")
    doubt = decide_doubt(connection, definition.refresh, epoch=epoch, now=now)
    retry_at = max(connection.retry_at, _next_try_in_doubt(connection, now) if doubt else 0)
    may_heal = doubt == "ask"  # a lease holder that has not reported may still store its response
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
    """Replace a refused access token only if that is safe; `Serve` if the token has to stay.

    An API also refuses for reasons unrelated to the token. So a refusal alone never spends a refresh token in doubt,
    never calls a provider that is backing off, and never sends the user to sign in again.
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
    """Decide how to treat a refresh token that an unfinished attempt may have spent.

    The grace window is measured from the start of the first such attempt.
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
    """True if the stored access token can be used for a while.

    A token in doubt does not count: a lost response may have ended it.

    swaps   a new token never ends the old one, so a lost response has ended nothing
    """
    certain = connection.status in ("active", "partial") or (swaps and connection.status == "in_doubt")
    if not certain or connection.epoch != epoch:
        return False
    end = connection.access_expires_at
    return end is None or end > now + min(SPARE_SECONDS, _share(connection, SPARE_SECONDS))


def is_due(connection: Connection, now: int, *, swaps: bool = False) -> bool:
    """True if the token is inside the refresh margin: the last five minutes or the last fifth of its life, if that is
    shorter.

    swaps   only a valid token can be swapped, and missing that needs a new sign-in: the margin is half of its life
    """
    end = connection.access_expires_at
    if swaps and end is not None and connection.tokens_at:
        return end <= now + (end - connection.tokens_at) // 2
    return end is not None and end <= now + min(MARGIN_SECONDS, _share(connection, SPARE_SECONDS))


def is_answer_for(recovery: Recovery, connection: Connection) -> bool:
    """True if the response makes the next generation of exactly these tokens."""
    return (recovery.generation, recovery.line) == (connection.token_generation, connection.line)


def back_off(failures: int, *, now: int, chance: int) -> int:
    """When to try again after this many failures in a row (epoch seconds).

    chance   0 to 255, drawn by the caller: adds jitter, so that connections that failed together retry apart
    """
    pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1]
    return now + pause + pause * chance // (256 * BACK_OFF_JITTER)


def uncertain_attempts(connection: Connection, now: int) -> tuple[int, ...]:
    """The attempts in doubt of the last hour."""
    return tuple(at for at in connection.doubt_tries if at > now - DOUBT_SECONDS)


def _next_try_in_doubt(connection: Connection, now: int) -> int:
    tries = uncertain_attempts(connection, now)
    return 0 if len(tries) < TRIES_IN_DOUBT else tries[-TRIES_IN_DOUBT] + DOUBT_SECONDS


def _share(connection: Connection, unknown: int) -> int:
    """A fifth of the access token's life; `unknown` if its start was not recorded."""
    if connection.access_expires_at is None or not connection.tokens_at:
        return unknown
    return (connection.access_expires_at - connection.tokens_at) // MARGIN_SHARE
