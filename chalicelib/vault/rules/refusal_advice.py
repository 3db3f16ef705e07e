"""Pure decisions about what would help after a refused hand-out."""

from typing import Literal

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.vault.rules.connection_merge import provider_scopes

Retry = Literal["never", "after_connect", "with_new_token"]


class Advice(Struct, frozen=True, kw_only=True):
    """Whether a retry can help.

    retry     "after_connect": once the user has connected; "with_new_token": the user has already allowed it, but
              this access token is older or has fewer scopes; "never": the same request is refused again
    missing   the missing scopes, in the provider's names
    """

    retry: Retry
    missing: frozenset[str] = frozenset()


def decide_advice(
    reason: str,
    definition: ProviderDefinition,
    connection: Connection | None,
    *,
    asked: frozenset[str],
    token_scopes: frozenset[str],
    granted_scopes: frozenset[str],
    client_scopes: frozenset[str],
) -> Advice:
    """Decide what would help after a refusal.

    reason           the extension member of the refusal
    connection       of exactly this user and client; None if there is none
    asked            in the provider's names; empty for all
    token_scopes     of the access token, with prefixes
    granted_scopes   of the token's grant, with prefixes
    client_scopes    registered for the client, with prefixes
    """
    allowed = provider_scopes(token_scopes, definition.provider_id)
    registered = provider_scopes(client_scopes, definition.provider_id)
    lacks = _find_lack(reason, definition, connection, asked=asked, allowed=allowed, registered=registered)
    if not lacks or not lacks <= registered:
        return Advice(retry="never", missing=lacks)
    stands = connection is not None and connection.status != "revoked"
    if stands and reason != "reauth_required" and not lacks <= allowed:
        have = definition.expand(connection.granted) if connection else frozenset[str]()
        if lacks <= provider_scopes(granted_scopes, definition.provider_id) and lacks <= have:
            return Advice(retry="with_new_token", missing=lacks)
    return Advice(retry="after_connect", missing=lacks)


def _find_lack(
    reason: str,
    definition: ProviderDefinition,
    connection: Connection | None,
    *,
    asked: frozenset[str],
    allowed: frozenset[str],
    registered: frozenset[str],
) -> frozenset[str]:
    """The scopes to connect: those requested, else those of the token, else all that the client has registered."""
    wanted = asked or allowed or registered
    if reason == "missing_scopes" and connection is not None:
        return missing_scopes(definition, granted=connection.granted, needed=wanted)
    if reason == "not_allowed":
        return asked - definition.expand(allowed | frozenset(definition.sign_in_scopes))
    if reason == "more_than_allowed" and connection is not None:
        return excess_scopes(definition, granted=connection.granted, allowed=allowed)
    return wanted
