"""Revokes a partial connection after the user cancelled: first the tombstone, then the call to the provider."""

from chalicelib.endpoints.callers.clients import ClientContext
from chalicelib.ports import Broker
from chalicelib.provider_client import load_definition
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, consent_item_key, user_key_item_key
from chalicelib.records.sign_in import PageForm
from chalicelib.vault.revocation import revoke_connection
from chalicelib.vault.rules.revocation_results import result_of
from chalicelib.vault.rules.shared_accounts import is_used_by
from chalicelib.vault.user_keys import open_key_of


def cancel_partial_connection(broker: Broker, form: PageForm, context: ClientContext) -> None:
    """Revoke a partial connection, unless the app still uses it with an earlier consent.

    Makes no call to the provider if it would revoke more than this connection.
    """
    item_key, key_item_key = connection_item_key(form.connection_id), user_key_item_key(form.sub)
    consent_at = consent_item_key(form.sub, context.client.client_id)
    found = broker.store.read(item_key, key_item_key, consent_at)
    connection, user_key, consent = found.get(item_key), found.get(key_item_key), found.get(consent_at)
    if connection is None or connection.status != "partial" or user_key is None:
        return
    if is_used_by(consent, connection, load_definition(broker, connection.provider_id), epoch=broker.settings.epoch):
        return
    revoke_partial_connection(broker, connection, open_key_of(broker, user_key))


def revoke_partial_connection(broker: Broker, connection: Connection, user_key: bytes) -> None:
    """Revoke a connection; also one that was written while the app's access was being revoked."""
    ended = revoke_connection(broker, connection, user_key)
    result = "changed" if ended is None else result_of(ended)
    broker.log.event("connection_ended", connection_id=connection.connection_id, result=result)
