"""What would help after a refused hand-out: pure decisions."""

from typing import Literal

from msgspec import Struct

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.upstream.granted_scopes import excess_scopes, missing_scopes
from chalicelib.vault.rules.connection_merge import provider_scopes

Retry = Literal["never", "after_connect", "with_new_token"]


class Advice(Struct, frozen=True, kw_only=True):
    """Whether asking again can help.

    retry     "after_connect": once the user has connected; "with_new_token": the user has allowed it already, but this
              access token is older or narrower; "never": the same request stays refused
    missing   what is lacking, in the provider's names
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
    """What to do about a refusal.

    reason           the extension member of the refusal
    connection       of this very user and client; None where there is none
    asked            in the provider's names; empty for all
    token_scopes     of the access token; granted_scopes: of its grant; client_scopes: registered. With prefixes
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
    """What has to be connected: what was asked, else what the token says, else all that the app is registered for."""
    wanted = asked or allowed or registered
    if reason == "missing_scopes" and connection is not None:
        return missing_scopes(definition, granted=connection.granted, needed=wanted)
    if reason == "not_allowed":
        return asked - definition.expand(allowed | frozenset(definition.sign_in_scopes))
    if reason == "more_than_allowed" and connection is not None:
        return excess_scopes(definition, granted=connection.granted, allowed=allowed)
    return wanted
