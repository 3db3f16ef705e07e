"""Restores a refresh response from the log after the table refused to store it."""

from typing import Literal

from chalicelib.ports import Broker
from chalicelib.provider_client import is_configured, usable_metadata
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import connection_item_key, provider_item_key, recovery_item_key, user_key_item_key
from chalicelib.vault.journal_tokens import tokens_of_response
from chalicelib.vault.refresh_journal import Attempt, LeasedConnection, commit_answer, revoke_received, store_answer
from chalicelib.vault.rules.refresh_decision import is_answer_for
from chalicelib.vault.user_keys import open_key_of

Recovered = Literal["healed", "kept", "ended", "unread", "superseded", "gone"]


def recover_journal(broker: Broker, recovery: Recovery) -> Recovered:
    """Restore a response that the table had refused. Running it twice is harmless.

    healed       its tokens are now the connection's tokens
    kept         another process holds the lease, or the response cannot be read yet: it waits in the recovery item
    ended        the connection was revoked meanwhile, and so were these tokens
    unread       the connection was revoked meanwhile, and this release cannot read the tokens to revoke them
    superseded   the connection has newer tokens
    gone         no such connection, its user's key was destroyed, or the provider has moved to other hosts
    """
    at, kept_at = connection_item_key(recovery.connection_id), recovery_item_key(recovery.connection_id)
    found = broker.store.read(at, kept_at)
    connection = found.get(at)
    held = _hold(broker, connection, found.get(kept_at)) if connection else None
    if connection is None or held is None:
        return "gone"
    attempt = Attempt(held=held, connection=connection, owner="", doubt=True)
    if connection.status == "revoked":
        revoke_received(broker, attempt, recovery)
        tokens = tokens_of_response(broker, held.definition, recovery, connection, held.user_key)
        return "unread" if tokens is None else "ended"
    if not is_answer_for(recovery, connection):
        return "superseded"
    stored = store_answer(broker, attempt, recovery)
    if stored is None or connection.is_leased(broker.clock.now()):
        return "kept"
    commit_answer(broker, attempt, recovery, siblings=stored)
    after = broker.store.read(at).get(at)
    return "healed" if after is not None and after.token_generation > connection.token_generation else "kept"


def _hold(broker: Broker, connection: Connection, recovery: Recovery | None) -> LeasedConnection | None:
    """The connection as the operator sees it, without a grant: nothing is handed out."""
    key_at, provider_at = user_key_item_key(connection.sub), provider_item_key(connection.provider_id)
    found = broker.store.read(key_at, provider_at)
    sealed, record = found.get(key_at), found.get(provider_at)
    if (
        sealed is None
        or record is None
        or not is_configured(broker, record)
        or not record.issued(connection.connected_at)
    ):
        return None
    key = open_key_of(broker, sealed)
    definition = broker.catalog.fill(record, usable_metadata(broker, record, connection, key))
    if definition is None:
        return None
    return LeasedConnection(
        connection=connection, recovery=recovery, record=record, definition=definition, user_key=key
    )
