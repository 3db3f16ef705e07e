"""What the log and the alarms report about a connection."""

from typing import NoReturn

from chalicelib.ports import Broker
from chalicelib.protocol.errors import ServerError
from chalicelib.records.connection import Connection


def alarm_undecryptable(broker: Broker, connection: Connection, reason: str) -> NoReturn:
    """A value that does not decrypt at its key was altered or moved. Raise an alarm; the user must sign in again.

    Raises ServerError.
    """
    broker.log.event("alarm", kind="vault_does_not_open", connection_id=connection.connection_id, reason=reason)
    broker.store.demand_sign_in(connection)
    log_reauth_required(broker, connection, "vault_does_not_open")
    raise ServerError("vault_does_not_open")


def log_reauth_required(broker: Broker, connection: Connection, reason: str) -> None:
    """Only the user can bring this connection back."""
    broker.log.event(
        "reauth_required",
        connection_id=connection.connection_id,
        provider_id=connection.provider_id,
        client_id=connection.client_id,
        sub=connection.sub,
        reason=reason,
    )
    broker.log.count("ReauthRequired")
