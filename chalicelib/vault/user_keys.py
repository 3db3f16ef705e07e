"""Opens a user's key, and the profile encrypted under it."""

from typing import Any

from chalicelib.encryption import open_profile, open_user_key
from chalicelib.ports import Broker, Items
from chalicelib.protocol.errors import ServerError
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    connection_item_key,
    user_key_item_key,
)
from chalicelib.records.small_items import UserKey
from chalicelib.vault.connection_events import alarm_undecryptable


def open_key_of(broker: Broker, user_key: UserKey) -> bytes:
    """The key that encrypts everything of one user. Raises ServerError if it does not decrypt for this user."""
    try:
        return open_user_key(broker.keys.get("vault"), user_key.sealed, sub=user_key.sub)
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="user_key_does_not_open", sub=user_key.sub, reason=str(broken))
        raise ServerError("user_key_does_not_open") from None


def profile_item_keys(grant: Grant) -> tuple[ItemKey[Any], ...]:
    """The keys of the connection that stores the profile of the signed-in account, and of the user key that
    opens it."""
    return (connection_item_key(grant.connections.get(grant.provider_id, "")), user_key_item_key(grant.sub))


def read_profile(broker: Broker, found: Items, grant: Grant) -> dict[str, Any]:
    """The profile of the signed-in account; empty if the connection is gone or belongs to another user."""
    connection_at, key_at = profile_item_keys(grant)
    connection, user_key = found.get(connection_at), found.get(key_at)
    if connection is None or user_key is None or connection.status == "revoked":
        return {}
    if (connection.sub, connection.client_id) != (grant.sub, grant.client_id):
        return {}
    opened = open_key_of(broker, user_key)
    try:
        return open_profile(opened, connection)
    except DecryptionFailed as broken:
        alarm_undecryptable(broker, connection, str(broken))
