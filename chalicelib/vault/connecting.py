"""What a sign-in makes of a connection: pure decisions."""

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.upstream.granted import excess_scopes
from chalicelib.upstream.token import ProviderTokens


class KeepStored(Struct, frozen=True):
    """The stored set has more than this sign-in brought, all of it allowed: leave it, and end what was brought."""

    stored: Connection


class Replace(Struct, frozen=True, kw_only=True):
    """Write what this sign-in brought.

    keep_refresh_token   the answer named none, so the stored one is sealed anew under the next generation
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
) -> KeepStored | Replace:
    """Choose between the stored tokens and those of this sign-in.

    old       the connection of this very user, client and account; None when there is none
    consent   as it stands before this sign-in adds to it
    is_void   a mark has ended what was connected then, so nothing of it is kept
    """
    generation = old.token_generation + 1 if old else 1
    if old is None or old.status == "revoked" or old.epoch != epoch or is_void:
        return Replace(generation=generation, keep_refresh_token=False)
    if _is_wider(old, tokens, definition, consent) and old.status == "active" and is_usable(old, now):
        return KeepStored(old)
    missing = not tokens.refresh_token and bool(old.sealed_refresh_token)
    return Replace(generation=generation, keep_refresh_token=missing and definition.refresh.keep_old_if_missing)


def provider_scopes(scopes: frozenset[str], provider_id: str) -> frozenset[str]:
    """The scopes of one provider among consent or grant scopes, in its own names."""
    prefix = provider_id + ":"
    return frozenset(scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix))


def is_usable(connection: Connection, now: int) -> bool:
    """True where an access token can still come of it: the stored one lives, or there is a refresh token."""
    fresh = connection.access_expires_at is None or connection.access_expires_at > now
    return fresh or bool(connection.sealed_refresh_token)


def _is_wider(old: Connection, tokens: ProviderTokens, definition: ProviderDefinition, consent: Consent | None) -> bool:
    if definition.new_grant_ends_old or old.granted <= definition.expand(tokens.granted):
        return False
    allowed = provider_scopes(consent.scopes, old.provider_id) if consent else frozenset()
    return not excess_scopes(definition, granted=old.granted, allowed=allowed)
