"""broker connection list|show: the connections of users to providers; and how commands revoke them."""

import argparse
import time
from collections.abc import Iterable
from typing import Any

from chalicelib.encryption import open_user_key
from chalicelib.endpoints.connections.connections import describe_revoked, describe_use
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import connection_item_key, user_key_item_key
from chalicelib.vault.revocation import revoke_connections, revoke_consent
from chalicelib.vault.rules.revocation_results import is_alive_there, result_of
from cli.deployment.broker import find_broker
from cli.deployment.connections import list_connections
from cli.deployment.operations import Deployment, OperationError
from cli.output import date

LIST = "broker connection list"


def end_connections(broker: Broker, connections: Iterable[Connection]) -> list[Connection]:
    """Revoke them, user by user; returns them as stored afterwards, oldest first. Raises OperationError."""
    ended, users = list[Connection](), dict[str, list[Connection]]()
    for one in connections:
        users.setdefault(one.sub, []).append(one)
    for sub, mine in users.items():
        ended += revoke_connections(broker, mine, _open_key(broker, sub))
    return sorted(ended, key=lambda one: (one.connected_at, one.connection_id))


def end_client(deployment: Deployment, broker: Broker, client_id: str) -> list[Connection]:
    """Revoke all access of one app: first the consents of all users, then its connections. The app itself may have been
    deleted long ago."""
    consents: list[Consent] = deployment.scan("CONSENT#", Consent)
    for one in consents:
        if one.client_id == client_id:
            try:
                revoke_consent(broker, one.sub, client_id, one)
            except OAuthError:
                raise OperationError("users of the app keep signing in; nothing was revoked", LIST) from None
    return end_connections(broker, list_connections(deployment, client_id=client_id))


def ended_rows(broker: Broker, connections: Iterable[Connection]) -> list[dict[str, Any]]:
    """What became of each, token by token."""
    return [_ended_row(broker, one) for one in connections]


def _open_key(broker: Broker, sub: str) -> bytes:
    """Without the user's key the encrypted tokens are lost, and the result says so."""
    place = user_key_item_key(sub)
    own = broker.store.read(place).get(place)
    try:
        return open_user_key(broker.keys.get("vault"), own.sealed, sub=sub) if own and own.sealed else b""
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="user_key_does_not_open", sub=sub, reason=str(broken))
        return b""


def _row(connection: Connection) -> dict[str, Any]:
    revoked = connection.status == "revoked"
    return {
        "connection_id": connection.connection_id,
        "provider": connection.provider_id,
        "client_id": connection.client_id,
        "user": connection.sub,
        "status": connection.status,
        "scope": " ".join(sorted(connection.granted)),
        "connected_at": date(connection.connected_at),
        "reauth_by": date(connection.reauth_by),
        "revoked_at": date(connection.revoked_at),
        "at_provider": result_of(connection) if revoked else None,
        "alive_there": is_alive_there(connection) if revoked else True,
    }


def _ended_row(broker: Broker, tombstone: Connection) -> dict[str, Any]:
    told = describe_revoked(broker, tombstone)
    return {**_row(tombstone), **{name: told[name] for name in ("tokens", "provider_settings") if name in told}}


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    wanted = {"sub": options.user, "client_id": options.client, "provider_id": options.provider}
    found = list_connections(deployment, **wanted)
    return [_row(one) for one in found if not options.alive or one.status != "revoked" or is_alive_there(one)]


def _show(deployment: Deployment, options: argparse.Namespace) -> Any:
    connection = find_connection(deployment, options.connection_id)
    ended = connection.status == "revoked"
    row = _ended_row(find_broker(deployment), connection) if ended else _row(connection)
    return {**row, "use": _use_row(deployment, connection)}


def _use_row(deployment: Deployment, connection: Connection) -> dict[str, Any]:
    use = describe_use(deployment.store, connection, now=int(time.time()))
    return {**use, "last_used_at": date(use.get("last_used_at")), "since": date(use["since"])}


def find_connection(deployment: Deployment, connection_id: str) -> Connection:
    """The stored connection. Raises OperationError."""
    place = connection_item_key(connection_id)
    found = deployment.store.read(place).get(place)
    if found is None:
        raise OperationError(f"no such connection: {connection_id}", LIST)
    return found


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> Any:
    """The subcommands of `broker connection`; other modules add more."""
    verbs = groups.add_parser("connection", help="manage what apps hold at providers").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    listed = verbs.add_parser("list", parents=[common], help="list all connections, including ended ones")
    listed.add_argument("--user", metavar="SUB", help="only of this user")
    listed.add_argument("--client", metavar="ID", help="only of this app")
    listed.add_argument("--provider", metavar="ID", help="only at this provider")
    listed.add_argument(
        "--alive", action="store_true", help="leave out connections that have also ended at the provider"
    )
    listed.set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[common], help="show one connection, its use, and the state of its tokens")
    show.add_argument("connection_id")
    show.set_defaults(act=_show)
    return verbs
