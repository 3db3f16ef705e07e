"""Taking back what a provider gave in part, when the user cancels: a tombstone first, then the call to the provider."""

from chalicelib.access import open_key_of
from chalicelib.endpoints.parties import Parties
from chalicelib.ports import Broker, Written
from chalicelib.records.places import connection_place, user_key_place
from chalicelib.records.sign_in import PageForm
from chalicelib.revoking import end_connection


def withdraw_connection(broker: Broker, form: PageForm, parties: Parties) -> None:
    """End a partial connection. Where the provider's call would end more than this connection it is not made."""
    place, key_place = connection_place(form.connection_id), user_key_place(form.sub)
    found = broker.store.read(place, key_place)
    connection, user_key = found.get(place), found.get(key_place)
    if connection is None or connection.status != "partial" or user_key is None:
        return
    record = parties.providers.get(connection.provider_id)
    if record is None:
        ended = broker.store.revoke_connection(connection, now=broker.clock.now())
        if isinstance(ended, Written):
            broker.store.settle_connection(ended.item, now=broker.clock.now())
        return
    result = end_connection(broker, connection, record, open_key_of(broker, user_key))
    broker.log.event("connection_ended", connection_id=connection.connection_id, result=result)
