"""Taking back what a provider gave in part, when the user cancels: a tombstone first, then the call to the provider."""

from chalicelib.access import open_key_of
from chalicelib.asking import load_definition
from chalicelib.custody.revoking import end_connection
from chalicelib.endpoints.parties import Parties
from chalicelib.ports import Broker
from chalicelib.records.connection import Connection
from chalicelib.records.places import connection_place, consent_place, user_key_place
from chalicelib.records.sign_in import PageForm
from chalicelib.vault.endings import result_of
from chalicelib.vault.sharing import is_used_by


def withdraw_connection(broker: Broker, form: PageForm, parties: Parties) -> None:
    """End a partial connection, unless what the user allowed this app earlier goes on with it.

    Where the provider's call would end more than this connection it is not made.
    """
    place, key_place = connection_place(form.connection_id), user_key_place(form.sub)
    consent_at = consent_place(form.sub, parties.client.client_id)
    found = broker.store.read(place, key_place, consent_at)
    connection, user_key, consent = found.get(place), found.get(key_place), found.get(consent_at)
    if connection is None or connection.status != "partial" or user_key is None:
        return
    if is_used_by(consent, connection, load_definition(broker, connection.provider_id), epoch=broker.settings.epoch):
        return
    take_back(broker, connection, open_key_of(broker, user_key))


def take_back(broker: Broker, connection: Connection, user_key: bytes) -> None:
    """End it; also where all that an app may do was ended while it was being written, by who has not seen it yet."""
    ended = end_connection(broker, connection, user_key)
    result = "changed" if ended is None else result_of(ended)
    broker.log.event("connection_ended", connection_id=connection.connection_id, result=result)
