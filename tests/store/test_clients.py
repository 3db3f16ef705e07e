"""What is written about a client counts only on top of what was read of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.dynamodb.codec import key
from chalicelib.adapters.dynamodb.store import PURGED_AFTER, DynamoStore
from chalicelib.adapters.process.system import SystemEntropy
from chalicelib.ports import Refused, Written
from chalicelib.records.client import Client, Management
from chalicelib.records.item_keys import client_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, make_store

STOPPED = Revocation(disabled=True)


def new_client(**fields: Any) -> Client:
    values: dict[str, Any] = {
        "client_id": SystemEntropy().token_bytes(16).hex(), "client_name": "App", "token_endpoint_auth_method": "none",
        "redirect_uris": ("https://app.example/cb",), "registered_by": "self", "expires_at": NOW + 100, **fields,
    }  # fmt: skip
    return Client(**values)


def document(**fields: Any) -> Client:
    url = f"https://app.example/{SystemEntropy().token_bytes(8).hex()}"
    return new_client(client_id=url, registered_by="document", fetched_at=NOW, fresh_until=NOW + 60, **fields)


def stands(store: DynamoStore, client: Client) -> Client | None:
    return store.read(client_item_key(client.client_id)).get(client_item_key(client.client_id))


def purge_at(transport: Transport, client: Client) -> int | None:
    """When the table may forget it."""
    asked = {"TableName": "broker", "Key": key(client_item_key(client.client_id).pk), "ConsistentRead": True}
    attribute = transport.call("GetItem", asked)["Item"].get("purge_at")
    return int(attribute["N"]) if attribute else None


@requirement("REG-01", "CIMD-04")
@pytest.mark.parametrize("make", [new_client, document])
def test_an_end_is_put_off_only_where_it_is_still_the_one_that_was_read(transport: Transport, make: Any) -> None:
    store, client = make_store(transport), make()
    assert isinstance(store.put_client(client, expected_revision=None), Written)
    stale = replace(client, expires_at=NOW + 50)
    assert isinstance(store.extend_client(stale, expires_at=NOW + 900), Refused)
    assert stands(store, client) == client
    assert isinstance(store.extend_client(client, expires_at=NOW + 900), Written)
    assert stands(store, client) == replace(client, expires_at=NOW + 900)
    assert purge_at(transport, client) == NOW + 900 + PURGED_AFTER


@requirement("CIMD-04", "OPS-01")
def test_a_switch_that_is_thrown_meanwhile_stays_with_the_client_of_a_url(transport: Transport) -> None:
    store, client = make_store(transport), document()
    stopped = replace(client, marks=STOPPED)
    assert isinstance(store.put_document(client, read=None), Written)
    assert isinstance(store.put_document(stopped, read=client), Written)
    assert isinstance(store.extend_client(client, expires_at=NOW + 900), Refused)
    assert (stands(store, client), purge_at(transport, client)) == (stopped, None)
    assert isinstance(store.extend_client(stopped, expires_at=NOW + 900), Written)
    assert purge_at(transport, client) is None, "or the mark would go with it"


@requirement("CIMD-04")
@pytest.mark.parametrize("stale", [{"fetched_at": NOW - 1}, {"revision": 2}, {"marks": STOPPED}], ids=str)
def test_a_document_replaces_only_the_one_that_was_read(transport: Transport, stale: dict[str, Any]) -> None:
    store, client = make_store(transport), document()
    assert isinstance(store.put_document(client, read=None), Written)
    newer = replace(client, client_name="Other", revision=3, fetched_at=NOW + 5)
    assert isinstance(store.put_document(newer, read=replace(client, **stale)), Refused)
    assert stands(store, client) == client
    assert isinstance(store.put_document(newer, read=client), Written)


@requirement("REG-05")
def test_the_tombstone_of_a_client_goes_after_a_while(transport: Transport) -> None:
    store, client = make_store(transport), new_client(management=Management(present=b"t" * 32))
    assert isinstance(store.put_client(client, expected_revision=None), Written)
    ended = replace(client, deleted_at=NOW + 7, revision=2)
    assert isinstance(store.change_client(ended, read=client), Written)
    assert purge_at(transport, client) == NOW + 7 + PURGED_AFTER
