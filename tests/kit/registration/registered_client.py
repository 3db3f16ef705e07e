"""The stored record of a client that has just registered."""

from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack


def stored(stack: Stack, client_id: str) -> Client:
    client = stack.deployment.store.read(client_item_key(client_id)).get(client_item_key(client_id))
    assert client is not None
    return client


def app_of(stack: Stack, answer: Answer) -> tuple[Client, str | None]:
    return stored(stack, answer.json["client_id"]), answer.json.get("client_secret")
