"""Taking back what a provider gave in part, when the user cancels: a tombstone first, then the call to the provider."""

from chalicelib.endpoints.asking import ProviderFailure, find_registered, revoke_at_provider
from chalicelib.endpoints.parties import Parties
from chalicelib.ports import Broker, Written
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.connection import Connection
from chalicelib.records.places import connection_place, user_key_place
from chalicelib.records.sign_in import PageForm
from chalicelib.upstream.revocation import TokenKind
from chalicelib.vault.sealed import open_user_key, open_value, place_of


def withdraw_connection(broker: Broker, form: PageForm, parties: Parties) -> None:
    """End a partial connection. Where the provider's call would end more than this connection it is not made."""
    place, key_place = connection_place(form.connection_id), user_key_place(form.sub)
    found = broker.store.read(place, key_place)
    connection, user_key = found.get(place), found.get(key_place)
    if connection is None or connection.status != "partial" or user_key is None:
        return
    result = broker.store.revoke_connection(connection, now=broker.clock.now())
    record = parties.providers.get(connection.provider_id)
    if not isinstance(result, Written) or record is None:
        return
    try:
        provider = find_registered(broker, record)
        opened = open_user_key(broker.keys.get("vault"), user_key.sealed, sub=connection.sub)
        token, kind = _best_token(opened, connection)
    except (*ProviderFailure, SealBroken) as error:
        broker.log.event("withdrawal_not_called", connection_id=connection.connection_id, reason=str(error))
        return
    if provider.definition.revocation.ends != "app":
        revoke_at_provider(broker, provider, token, kind)


def _best_token(user_key: bytes, connection: Connection) -> tuple[str, TokenKind]:
    """The refresh token where there is one: ending it ends its access tokens as a rule."""
    place = place_of(connection)
    if connection.sealed_refresh_token:
        opened = open_value(user_key, connection.sealed_refresh_token, "refresh_token", place=place)
        return opened.decode(), "refresh_token"
    return open_value(user_key, connection.sealed_access_token, "access_token", place=place).decode(), "access_token"
