"""Finds the connection that an access token and an audience reach, and reads every record that can refuse it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.access_token_check import AuthorizedToken, Claims, PresentedToken, authorize_token
from chalicelib.bff_sessions import Session, use_session
from chalicelib.issuers.access import use_issuer_token
from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidToken
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    connection_item_key,
    provider_item_key,
    recovery_item_key,
    user_key_item_key,
)
from chalicelib.records.provider import ProviderRecord

_CONNECTION_ID = re.compile(r"[0-9a-f]{32}")


class ConnectionLookup(Struct, frozen=True, kw_only=True):
    """The result of one lookup: the authorized token, and the connection that the audience names.

    provider_id   "" if the audience names nothing that this user and client could have
    connection    of exactly this user and client, else None
    """

    use: AuthorizedToken
    grant: Grant
    provider_id: str = ""
    connection: Connection | None = None
    record: ProviderRecord | None = None
    recovery: Recovery | None = None


def find_connection(
    broker: Broker,
    presented: PresentedToken | Session | VerifiedIssuerToken,
    audience: str,
    *,
    client_id: str | None,
    again: bool = False,
) -> ConnectionLookup:
    """Authorize the token, then find the connection. The token must be a valid user token that this client may use
    here.

    Costs one read, and a second one if the token does not name the connection yet. A browser session, or
    the verified token of a trusted issuer, can take the token's part.

    audience    a provider id or a connection id
    client_id   the client that must own the token; None accepts the client named in the token
    again       this request has read before

    Raises InvalidToken, InvalidDpopProof.
    """

    def also_read(claims: Claims) -> tuple[ItemKey[Any], ...]:
        if "sub" not in claims:
            return ()
        return (user_key_item_key(claims["sub"]), *_hinted_keys(broker, claims, audience))

    if isinstance(presented, VerifiedIssuerToken):
        use = use_issuer_token(broker, presented, also_read=also_read)
    elif isinstance(presented, Session):
        use, _ = use_session(broker, presented, also_read=also_read, again=again)
    else:
        use = authorize_token(broker, presented, audience=broker.settings.issuer, also_read=also_read, again=again)
    if use.grant is None or client_id not in (None, use.client.client_id):
        raise InvalidToken("token_of_another_client")
    seen = ConnectionLookup(use=use, grant=use.grant)
    connection_id, provider_id = _resolve(broker, seen, audience)
    if not provider_id:
        return seen
    if not connection_id:
        record = use.found.get(provider_item_key(provider_id))
        return msgspec.structs.replace(seen, provider_id=provider_id, record=record)
    item_keys = connection_item_key(connection_id), provider_item_key(provider_id), recovery_item_key(connection_id)
    hinted = set(item_keys) <= set(_hinted_keys(broker, use.claims, audience))
    found = use.found if hinted else broker.store.read(*item_keys)
    connection = found.get(item_keys[0])
    return ConnectionLookup(
        use=use,
        grant=use.grant,
        provider_id=provider_id,
        connection=connection if connection and _is_theirs(connection, use.grant) else None,
        record=found.get(item_keys[1]),
        recovery=found.get(item_keys[2]),
    )


def _hinted_keys(broker: Broker, claims: Claims, audience: str) -> tuple[ItemKey[Any], ...]:
    """The keys to read early. For the token's own connections: connection, provider and recovery item.

    For another provider or connection id: only the item with that id.
    """
    connections: Mapping[str, str] = claims.get("connections") or {}
    for provider_id, connection_id in connections.items():
        if audience in (provider_id, connection_id):
            return connection_item_key(connection_id), provider_item_key(provider_id), recovery_item_key(connection_id)
    if broker.catalog.get(audience) is not None:
        return (provider_item_key(audience),)
    return (connection_item_key(audience),) if _CONNECTION_ID.fullmatch(audience) else ()


def _resolve(broker: Broker, seen: ConnectionLookup, audience: str) -> tuple[str, str]:
    """The (connection id, provider id) of an audience.

    A provider id means the user's default account there. A connection id must belong to this user and client: another
    user's connection gives the same result as no connection (VLT-01).
    """
    if broker.catalog.get(audience) is not None:
        defaults = seen.use.consent.default_connections if seen.use.consent else {}
        return defaults.get(audience) or seen.grant.connections.get(audience, ""), audience
    for provider_id, connection_id in seen.grant.connections.items():
        if audience == connection_id:
            return connection_id, provider_id
    connection = seen.use.found.get(connection_item_key(audience))
    if connection is None or not _is_theirs(connection, seen.grant):
        return "", ""
    return audience, connection.provider_id


def _is_theirs(connection: Connection, grant: Grant) -> bool:
    return (connection.sub, connection.client_id) == (grant.sub, grant.client_id)
