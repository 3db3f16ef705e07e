"""broker connection list|show: what apps hold of users at third parties; how it is taken back, for all who do that."""

import argparse
import time
from collections.abc import Iterable
from typing import Any

from chalicelib.composition import build_broker
from chalicelib.config import ConfigurationError
from chalicelib.custody.revoking import end_all, mark_consent
from chalicelib.endpoints.connections import describe_ended, describe_use
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.places import connection_place, user_key_place
from chalicelib.vault.endings import is_alive_there, result_of
from chalicelib.vault.sealed import open_user_key
from cli.operations import Deployment, OperationError
from cli.showing import date, log_stream

LIST = "broker connection list"


def find_broker(deployment: Deployment) -> Broker:
    """A broker of the operator's own, which reaches the providers from here; its log goes to standard error.

    Raises OperationError.
    """
    parts: dict[str, Any] = {"dynamodb": deployment.dynamodb, "kms": deployment.kms, "log_stream": log_stream()}
    parts["clock"] = deployment.clock
    try:
        return build_broker(deployment.settings, **parts)
    except ConfigurationError as error:
        raise OperationError("; ".join(error.faults), "broker provider check FILE.toml") from None


def list_connections(deployment: Deployment, **wanted: str | None) -> list[Connection]:
    """All whose fields are as wanted, oldest first; None leaves one open."""
    found: list[Connection] = deployment.scan("CONNECTION#", Connection)
    asked = {name: value for name, value in wanted.items() if value}
    mine = [one for one in found if all(getattr(one, name) == value for name, value in asked.items())]
    return sorted(mine, key=lambda one: (one.connected_at, one.connection_id))


def end_connections(broker: Broker, connections: Iterable[Connection]) -> list[Connection]:
    """End them, user by user; as they stand afterwards, oldest first. Raises OperationError."""
    ended, users = list[Connection](), dict[str, list[Connection]]()
    for one in connections:
        users.setdefault(one.sub, []).append(one)
    for sub, mine in users.items():
        ended += end_all(broker, mine, _open_key(broker, sub))
    return sorted(ended, key=lambda one: (one.connected_at, one.connection_id))


def end_client(deployment: Deployment, broker: Broker, client_id: str) -> list[Connection]:
    """All that one app may do for anybody: what was decided until now ends, then its connections. The app itself may
    have been deleted long ago."""
    consents: list[Consent] = deployment.scan("CONSENT#", Consent)
    for one in consents:
        if one.client_id == client_id:
            try:
                mark_consent(broker, one.sub, client_id, one)
            except OAuthError:
                raise OperationError("a user of it keeps signing in; nothing of that user has ended", LIST) from None
    return end_connections(broker, list_connections(deployment, client_id=client_id))


def ended_rows(broker: Broker, connections: Iterable[Connection]) -> list[dict[str, Any]]:
    """What became of each, token by token."""
    return [_ended_row(broker, one) for one in connections]


def _open_key(broker: Broker, sub: str) -> bytes:
    """Without it what was sealed is lost, and said to be."""
    place = user_key_place(sub)
    own = broker.store.read(place).get(place)
    try:
        return open_user_key(broker.keys.get("vault"), own.sealed, sub=sub) if own and own.sealed else b""
    except SealBroken as broken:
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
    told = describe_ended(broker, tombstone)
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
    """As it stands. Raises OperationError."""
    place = connection_place(connection_id)
    found = deployment.store.read(place).get(place)
    if found is None:
        raise OperationError(f"there is no connection {connection_id}", LIST)
    return found


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> Any:
    """The words below `broker connection`, to which others can be added."""
    verbs = groups.add_parser("connection", help="what apps hold at third parties").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    listed = verbs.add_parser("list", parents=[common], help="all of them, ended ones too")
    listed.add_argument("--user", metavar="SUB", help="of this user alone")
    listed.add_argument("--client", metavar="ID", help="of this app alone")
    listed.add_argument("--provider", metavar="ID", help="at this third party alone")
    listed.add_argument("--alive", action="store_true", help="leave out what is over at the third party too")
    listed.set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[common], help="one, how often it was used, and what became of its tokens")
    show.add_argument("connection_id")
    show.set_defaults(act=_show)
    return verbs
