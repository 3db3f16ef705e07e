"""The tokens of a provider that others wrote: in the vault, and at the provider."""

from typing import Any

import requests

from chalicelib.encryption import encryption_context_of, open_user_key, open_value
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, user_key_item_key
from tests.kit.http.stack import SignIn, Stack

SCOPE = "openid offline_access toolkit:tasks"
NEARLY_TEN_HOURS = 36000 - 60


def connection_of(stack: Stack, connection_id: str) -> tuple[Connection, str]:
    """A connection and its refresh token, as the vault holds them."""
    broker = stack.broker
    found = broker.store.read(connection_item_key(connection_id))
    connection = found.get(connection_item_key(connection_id))
    assert connection is not None
    at = user_key_item_key(connection.sub)
    sealed = broker.store.read(at).get(at)
    assert sealed is not None
    key = open_user_key(broker.keys.get("vault"), sealed.sealed, sub=connection.sub)
    token = open_value(key, connection.sealed_refresh_token, "refresh_token", place=encryption_context_of(connection))
    return connection, token.decode()


def tokens_at(url: str) -> dict[str, int]:
    """What the toolkit has issued."""
    counts: dict[str, int] = requests.get(f"{url}/tokens", timeout=10).json()
    return counts


def later(stack: Stack, way: SignIn, tokens: dict[str, Any], seconds: int = NEARLY_TEN_HOURS) -> dict[str, Any]:
    """Our own fresh tokens, when the provider's have nearly ended."""
    stack.clock.advance(seconds)
    answer = stack.refresh(way, tokens["refresh_token"])
    assert answer.status == 200, answer.body
    return answer.json
