"""Pure decisions about how a sign-in changes a connection."""

from typing import Any

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.upstream.granted_scopes import excess_scopes
from chalicelib.upstream.token import ProviderTokens


class KeepStored(Struct, frozen=True):
    """The stored tokens have more scopes, all of them allowed: keep them, and revoke those of this sign-in."""

    stored: Connection


class Replace(Struct, frozen=True, kw_only=True):
    """Write the tokens of this sign-in.

    keep_refresh_token   the response had no refresh token, so the stored one is encrypted for the next generation
    """

    generation: int
    keep_refresh_token: bool


def decide_connection(
    old: Connection | None,
    tokens: ProviderTokens,
    definition: ProviderDefinition,
    consent: Consent | None,
    *,
    epoch: int,
    now: int,
    is_void: bool = False,
    moved: bool = False,
) -> KeepStored | Replace:
    """Choose between the stored tokens and those of this sign-in.

    old       the connection of exactly this user, client and account; None if there is none
    consent   before this sign-in adds to it
    is_void   a revocation ended the old connection, so nothing of it carries over
    moved     the stored tokens are for another host or organization, so nothing of them carries over
    """
    generation = old.token_generation + 1 if old else 1
    if old is None or old.status == "revoked" or old.epoch != epoch or moved or is_void:
        return Replace(generation=generation, keep_refresh_token=False)
    if _is_wider(old, tokens, definition, consent) and old.status == "active" and is_usable(old, definition, now):
        return KeepStored(old)
    missing = not tokens.refresh_token and bool(old.sealed_refresh_token)
    return Replace(generation=generation, keep_refresh_token=missing and definition.refresh.keep_old_if_missing)


def is_superseded(old: Connection, definition: ProviderDefinition, *, decided_at: int) -> bool:
    """True if the connection was revoked after this decision: only a later decision connects again.

    If one provider call ends every grant of the broker's app at the account, the decision must be later than the end
    of that call, because the call would also end the new tokens.
    """
    if old.revoked_at >= decided_at and old.revoked_at > 0:
        return True
    unsettled = old.settled_at == 0 or old.settled_at >= decided_at
    return old.status == "revoked" and definition.revocation.ends == "app" and unsettled


def carry_over(old: Connection | None, definition: ProviderDefinition, *, keeps_refresh_token: bool) -> dict[str, Any]:
    """The fields that a sign-in takes over from the item that it replaces.

    The attempt counter continues, and earlier revocations stay recorded. A response that may have been lost now
    belongs to an earlier line. A refresh token that stays keeps its doubt.
    """
    if old is None:
        return {}
    begun = old.lost > 0 or old.attempt_started > 0
    per_token = not definition.new_grant_ends_old and definition.revocation.ends != "app"
    carried: dict[str, Any] = {
        "attempt": old.attempt,
        "revoked_at": old.revoked_at,
        "revoked_generation": old.revoked_generation,
        "lost": 2 if per_token and definition.refresh.replaces and begun else 0,
    }
    if keeps_refresh_token:
        doubtful = old.attempt_started or (old.doubt_since if old.status == "in_doubt" else 0)
        carried |= {"attempt_started": doubtful, "doubt_since": old.doubt_since, "doubt_tries": old.doubt_tries}
    return carried


def provider_scopes(scopes: frozenset[str], provider_id: str) -> frozenset[str]:
    """The scopes of one provider among consent or grant scopes, in the provider's own names."""
    prefix = provider_id + ":"
    return frozenset(scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix))


def is_usable(connection: Connection, definition: ProviderDefinition, now: int) -> bool:
    """True if the connection can still give an access token: the stored one is valid, or there is a refresh token."""
    fresh = connection.access_expires_at is None or connection.access_expires_at > now
    return fresh or (bool(connection.sealed_refresh_token) and definition.refresh.kind != "swap")


def _is_wider(old: Connection, tokens: ProviderTokens, definition: ProviderDefinition, consent: Consent | None) -> bool:
    if definition.new_grant_ends_old or old.granted <= definition.expand(tokens.granted):
        return False
    allowed = provider_scopes(consent.scopes, old.provider_id) if consent else frozenset()
    return not excess_scopes(definition, granted=old.granted, allowed=allowed)
