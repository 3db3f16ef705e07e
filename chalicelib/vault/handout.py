"""May this client have this connection's access token now: the pure decision (VLT-01, 02, 10)."""

from msgspec import Struct

from chalicelib.protocol.errors import InvalidGrant, InvalidScope, InvalidTarget
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.provider import ProviderRecord
from chalicelib.upstream.granted import excess_scopes, missing_scopes
from chalicelib.vault.connecting import provider_scopes

MARGIN_SECONDS = 10


class HandOut(Struct, frozen=True, kw_only=True):
    """Give the access token; `expires_in` None where the provider names no end."""

    connection: Connection
    expires_in: int | None


def decide_handout(
    connection: Connection | None,
    grant: Grant,
    provider: ProviderRecord | None,
    definition: ProviderDefinition,
    *,
    asked: frozenset[str],
    token_scopes: frozenset[str],
    epoch: int,
    now: int,
) -> HandOut:
    """Decide one hand-out; everything that is not certain refuses.

    asked          scopes named in the request, in the provider's names; empty for all
    token_scopes   of the presented access token, less what consent or the registration has lost since

    Raises InvalidTarget: no such connection for this user and client, or not allowed.
    Raises InvalidScope: connected with less than asked, or with more than was allowed.
    Raises InvalidGrant: it has to be renewed by the user.
    """
    allowed = provider_scopes(token_scopes, definition.provider_id)
    if connection is None or not _is_theirs(connection, grant) or not allowed:
        raise InvalidTarget("no_such_connection", members={"reason": "not_connected"})
    if provider is None or provider.marks.void(connection.connected_at) or connection.status == "revoked":
        raise InvalidTarget("connection_over", members={"reason": "not_connected"})
    _check_scopes(connection, definition, allowed, asked)
    fresh = connection.access_expires_at is None or connection.access_expires_at > now + MARGIN_SECONDS
    if connection.status not in ("active", "partial") or connection.epoch != epoch or not fresh:
        raise InvalidGrant("reauth_required", members={"reason": "reauth_required"})
    expires_in = None if connection.access_expires_at is None else connection.access_expires_at - now
    return HandOut(connection=connection, expires_in=expires_in)


def _is_theirs(connection: Connection, grant: Grant) -> bool:
    """By equality of all three, never by prefix (VLT-01)."""
    known = connection.connection_id in grant.connections.values()
    return known and (connection.sub, connection.client_id) == (grant.sub, grant.client_id)


def _check_scopes(
    connection: Connection, definition: ProviderDefinition, allowed: frozenset[str], asked: frozenset[str]
) -> None:
    if excess_scopes(definition, granted=connection.granted, allowed=allowed):
        raise InvalidScope("token_exceeds_allowed", members={"reason": "more_than_allowed"})
    if not asked <= definition.expand(allowed | frozenset(definition.sign_in_scopes)):
        raise InvalidScope("more_than_allowed_asked", members={"reason": "not_allowed"})
    missing = missing_scopes(definition, granted=connection.granted, needed=asked)
    if missing:
        raise InvalidScope(
            "connected_with_less", members={"reason": "missing_scopes", "missing_scopes": sorted(missing)}
        )
