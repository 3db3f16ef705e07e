"""GET and DELETE /connections and /connections/{connection_id}: lists and revokes an app's connections of a user.

The bearer of a token sees and revokes only connections of the token's user and client. The response to any other id is
the same as for an unknown one (VLT-01, CONS-07).
"""

import re
from typing import TYPE_CHECKING, Any

from chalicelib.access_token_check import AuthorizedToken, Claims, authorize_token
from chalicelib.encryption import open_profile
from chalicelib.endpoints.callers.access_token import read_access_token
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidToken, NotConnected, TemporarilyUnavailable
from chalicelib.protocol.parameters import check_no_secret_in_query
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.protocol.token_claims import userinfo_claims
from chalicelib.provider_client import is_configured
from chalicelib.records.audit import RETENTION_SECONDS
from chalicelib.records.connection import Connection, ConnectionStatus
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import ItemKey, connection_item_key, provider_item_key, user_key_item_key
from chalicelib.responses import Response, json_response
from chalicelib.vault.revocation import read_connections, revoke_connection, revoke_connections, revoke_consent
from chalicelib.vault.rules.account_label import label_of
from chalicelib.vault.rules.reauth_forecast import effective_status
from chalicelib.vault.rules.revocation_results import describe_endings, is_alive_there, result_of
from chalicelib.vault.rules.shared_accounts import still_lives
from chalicelib.vault.rules.usage import count_use

if TYPE_CHECKING:
    from chalicelib.ports.audit import AuditStore
from chalicelib.vault.user_keys import open_key_of

_CONNECTION_ID = re.compile(r"[0-9a-f]{32}")


def answer(broker: Broker, http: Request) -> Response:
    """Raises InvalidToken, TemporarilyUnavailable."""
    if http.method == "DELETE":
        return _end_all(broker, http)
    use, grant = _authorize(broker, http)
    found = read_connections(broker, grant.sub)
    mine, key = _own(found, grant), _open_key(broker, use, grant)
    live = [_describe(broker, use, one, key) for one in mine if one.status != "revoked"]
    ended = [describe_revoked(broker, one) for one in mine if still_lives(one, found)]
    return json_response({"connections": live, "ended": ended})


def answer_one(broker: Broker, http: Request) -> Response:
    """Describe or revoke one connection; a repeated request gets the same response.

    Raises InvalidToken, NotConnected, TemporarilyUnavailable.
    """
    connection_id = http.path.get("connection_id", "")
    item_keys = (connection_item_key(connection_id),) if _CONNECTION_ID.fullmatch(connection_id) else ()
    use, grant = _authorize(broker, http, *item_keys)
    if not item_keys:
        raise NotConnected("connection_id_malformed")
    connection = use.found.get(item_keys[0])
    if connection is None or (connection.sub, connection.client_id) != (grant.sub, grant.client_id):
        raise NotConnected("no_such_connection")
    if http.method == "GET":
        return _tell(broker, use, connection, grant)
    ended = revoke_connection(broker, connection, _open_key(broker, use, grant))
    if ended is None:
        raise TemporarilyUnavailable("connection_keeps_changing", retry_after=1)
    broker.log.event("connection_ended", connection_id=connection_id, result=result_of(ended), by="client")
    return json_response(describe_revoked(broker, ended))


def _tell(broker: Broker, use: AuthorizedToken, connection: Connection, grant: Grant) -> Response:
    """Describe a connection as in the list, with its use counts."""
    if connection.status == "revoked":
        told = describe_revoked(broker, connection)
    else:
        told = _describe(broker, use, connection, _open_key(broker, use, grant))
    return json_response({**told, "use": describe_use(broker.store, connection, now=broker.clock.now())})


def describe_revoked(broker: Broker, tombstone: Connection) -> dict[str, Any]:
    """The result at the provider for each token, and the page at which the user can revoke the rest."""
    definition = broker.catalog.get(tombstone.provider_id)
    place = definition.revocation.user_page if definition and is_alive_there(tombstone) else None
    if place and "{" in place:
        place = _fill_user_page(broker, tombstone.provider_id)
    return {
        "connection_id": tombstone.connection_id,
        "provider": tombstone.provider_id,
        "status": "revoked",
        "revoked_at": tombstone.revoked_at,
        "at_provider": result_of(tombstone),
        "tokens": describe_endings(tombstone),
        **({"provider_settings": place} if place else {}),
    }


def describe_use(store: "AuditStore", connection: Connection, *, now: int) -> dict[str, int]:
    """Use counts from the audit records, with the time since which they are complete."""
    kept_since = now - RETENTION_SECONDS
    traces = store.list_traces(connection.sub, connection.connection_id, since=kept_since)
    return count_use(traces, kept_since=kept_since, now=now)


def _fill_user_page(broker: Broker, provider_id: str) -> str | None:
    """The page with the operator's values; None if they are missing or do not fit the file."""
    item_key = provider_item_key(provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    filled = broker.catalog.fill(record) if record is not None and is_configured(broker, record) else None
    return filled.revocation.user_page if filled else None


def _end_all(broker: Broker, http: Request) -> Response:
    """Revoke all access of this app for this user: first every decision until now, then its connections."""
    use, grant = _authorize(broker, http)
    revoke_consent(broker, grant.sub, grant.client_id, use.consent, grant.decided_at)
    broker.store.revoke_grant(grant.grant_id, client_id=grant.client_id)
    known = (*grant.connections.values(), *(use.consent.default_connections.values() if use.consent else ()))
    mine = _own(read_connections(broker, grant.sub, *known), grant)
    ended = revoke_connections(broker, mine, _open_key(broker, use, grant))
    broker.log.event("access_ended", client_id=grant.client_id, connections=len(ended), by="client")
    return json_response({"status": "revoked", "connections": [describe_revoked(broker, one) for one in ended]})


def _authorize(broker: Broker, http: Request, *places: ItemKey[Any]) -> tuple[AuthorizedToken, Grant]:
    """The token must be an access token for the broker, valid now, and of a user."""
    check_no_secret_in_query(http.query)

    def also_read(claims: Claims) -> tuple[ItemKey[Any], ...]:
        return (*places, *((user_key_item_key(claims["sub"]),) if "sub" in claims else ()))

    one = http.path.get("connection_id")
    presented = read_access_token(broker, http, "/connections" + (f"/{one}" if one else ""))
    use = authorize_token(broker, presented, audience=broker.settings.issuer, also_read=also_read)
    if use.grant is None:
        raise InvalidToken("token_of_no_user")
    return use, use.grant


def _own(found: list[Connection], grant: Grant) -> list[Connection]:
    """This user's connections with this client, oldest first."""
    mine = [one for one in found if (one.sub, one.client_id) == (grant.sub, grant.client_id)]
    return sorted(mine, key=lambda one: (one.connected_at, one.connection_id))


def _open_key(broker: Broker, use: AuthorizedToken, grant: Grant) -> bytes:
    """The user's key; without it the values are lost, and are reported as lost."""
    sealed = use.found.get(user_key_item_key(grant.sub))
    return open_key_of(broker, sealed) if sealed is not None else b""


def _describe(broker: Broker, use: AuthorizedToken, connection: Connection, key: bytes) -> dict[str, Any]:
    """Describe a connection; the account's name only if this token may see the profile."""
    item_key = provider_item_key(connection.provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    void = record is None or record.marks.void(connection.connected_at)
    defaults = use.consent.default_connections if use.consent else {}
    members = {
        "connection_id": connection.connection_id,
        "provider": connection.provider_id,
        "label": label_of(userinfo_claims(open_profile_of(broker, connection, key), use.scopes)),
        "status": "reauth_required" if void else connection_status(broker, connection, broker.clock.now()),
        "scope": " ".join(sorted(connection.granted)),
        "default": defaults.get(connection.provider_id) == connection.connection_id,
        "connected_at": connection.connected_at,
        "reauth_by": connection.reauth_by,
        "access_expires_at": connection.access_expires_at,
    }
    return {name: value for name, value in members.items() if value not in (None, "")}


def connection_status(broker: Broker, connection: Connection, now: int) -> ConnectionStatus:
    """The status that a token hand-out would find now."""
    definition = broker.catalog.get(connection.provider_id)
    return effective_status(connection, definition, epoch=broker.settings.epoch, now=now)


def open_profile_of(broker: Broker, connection: Connection, key: bytes) -> dict[str, Any]:
    """The stored profile of the account; empty if it cannot be decrypted."""
    try:
        return open_profile(key, connection)
    except DecryptionFailed as broken:
        kept = {"connection_id": connection.connection_id, "reason": str(broken)}
        broker.log.event("alarm", kind="profile_does_not_open", **kept)
        return {}
