"""Log events and alarms about a connection."""

from typing import NoReturn

from chalicelib.ports import Broker
from chalicelib.protocol.errors import ServerError
from chalicelib.records.connection import Connection


def alarm_undecryptable(broker: Broker, connection: Connection, reason: str) -> NoReturn:
    """Raise an alarm for a value that does not decrypt under its key: it was altered or moved. The user must sign in
    again.

    Raises ServerError.
    """
    broker.log.event("alarm", kind="vault_does_not_open", connection_id=connection.connection_id, reason=reason)
    broker.store.demand_sign_in(connection)
    log_reauth_required(broker, connection, "vault_does_not_open")
    raise ServerError("vault_does_not_open")


def log_reauth_required(broker: Broker, connection: Connection, reason: str) -> None:
    """Log that the user must sign in again: nothing else restores this connection."""
    broker.log.event(
        "reauth_required",
        connection_id=connection.connection_id,
        provider_id=connection.provider_id,
        client_id=connection.client_id,
        sub=connection.sub,
        reason=reason,
    )
    broker.log.count("ReauthRequired")
