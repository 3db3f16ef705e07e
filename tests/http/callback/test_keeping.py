"""What a further sign-in makes of a connection that is already there (CB-12)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.encryption import encryption_context_of, open_user_key, open_value
from chalicelib.records.item_keys import client_item_key, user_key_item_key
from chalicelib.records.revocation import Revocation
from tests.kit.http.sign_in_scene import change, connections, only_written, subjects
from tests.kit.http.stack import SCOPE, SignIn, Stack
from tests.kit.requirement import requirement

READ = "openid offline_access demo:notes:read"
BOTH = READ + " demo:notes:write"


def opened(stack: Stack) -> tuple[str, str | None, list[str]]:
    """The stored access token, refresh token and outgoing ones."""
    (connection,) = connections(stack)
    (subject,) = subjects(stack)
    place = user_key_item_key(subject.sub)
    item = stack.deployment.store.read(place).get(place)
    assert item is not None
    key = open_user_key(stack.broker.keys.get("vault"), item.sealed, sub=subject.sub)

    def read(sealed: bytes, attribute: Any) -> str:
        return open_value(key, sealed, attribute, place=encryption_context_of(connection)).decode()

    refresh = read(connection.sealed_refresh_token, "refresh_token") if connection.sealed_refresh_token else None
    outgoing = [read(one, "outgoing") for one in connection.outgoing]
    return read(connection.sealed_access_token, "access_token"), refresh, outgoing


def again(stack: Stack, client: Any, **more: str) -> SignIn:
    return stack.sign_in(client, browser=stack.browser(), **more)


@requirement("CB-12")
def test_an_answer_without_a_refresh_token_keeps_the_stored_one(stack: Stack) -> None:
    client, _ = stack.client()
    stack.sign_in(client)
    access, refresh, _ = opened(stack)
    stack.provider.faults.drop_refresh_token = True
    assert "code" in again(stack, client).answer.answered
    new_access, kept, outgoing = opened(stack)
    assert kept == refresh is not None and new_access != access and outgoing == []
    assert [connection.token_generation for connection in connections(stack)] == [2]
    assert refresh in {family.refresh_token for family in stack.provider.grants.families if not family.revoked}


@requirement("CB-12")
def test_a_replaced_refresh_token_is_ended_at_the_provider_and_forgotten(stack: Stack) -> None:
    client, _ = stack.client()
    stack.sign_in(client)
    _, old, _ = opened(stack)
    with only_written(stack, "GRANT", "CONNECTION", "GRANT", "CONNECTION"):
        sign_in = again(stack, client)
    _, new, outgoing = opened(stack)
    assert new != old and outgoing == []
    assert stack.provider.requests[-1].form == {"token": old, "token_type_hint": "refresh_token"}
    assert stack.exchange(sign_in, stack.redeem(sign_in).json["access_token"]).status == 200


@requirement("CB-12", "GEN-13")
def test_one_that_could_not_be_ended_stays_noted_until_it_is(stack: Stack) -> None:
    client, _ = stack.client()
    stack.sign_in(client)
    tokens = [opened(stack)[1]]
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"revoke"}), 503
    for count in (1, 2):
        assert "code" in again(stack, client).answer.answered
        assert opened(stack)[2] == tokens
        tokens.append(opened(stack)[1])
        assert len(tokens) == count + 1
    stack.provider.faults.reset()
    again(stack, client)
    assert opened(stack)[2] == []
    families = {family.refresh_token: family.revoked for family in stack.provider.grants.families}
    assert [families[token] for token in tokens] == [True, True, True]


@requirement("CB-12")
def test_what_fails_to_be_ended_never_grows_without_end(stack: Stack) -> None:
    client, _ = stack.client()
    stack.sign_in(client)
    stack.provider.faults.at, stack.provider.faults.status = frozenset({"revoke"}), 503
    for _ in range(6):
        again(stack, client)
    assert len(connections(stack)[0].outgoing) == 4


@requirement("CB-11")
def test_a_wider_set_that_was_all_allowed_is_left_alone_by_a_narrower_sign_in(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset(BOTH.split()))
    wide = stack.sign_in(client, scope=BOTH)
    stored = opened(stack)
    narrow = again(stack, client, scope=READ)
    assert opened(stack) == stored
    assert connections(stack)[0].granted >= {"notes:read", "notes:write"}
    tokens, few = stack.redeem(wide).json, stack.redeem(narrow).json
    assert stack.exchange(wide, tokens["access_token"]).status == 200
    assert stack.exchange(narrow, few["access_token"]).json["error"] == "invalid_scope"


@requirement("CB-11")
def test_a_wider_set_that_was_never_allowed_is_replaced(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset(BOTH.split()))
    stack.provider.faults.more_scopes = frozenset({"notes:write"})
    stack.sign_in(client, scope=READ)
    stack.provider.faults.reset()
    stored = opened(stack)
    sign_in = again(stack, client, scope=READ)
    assert opened(stack)[0] != stored[0] and "notes:write" not in connections(stack)[0].granted
    assert stack.exchange(sign_in, stack.redeem(sign_in).json["access_token"]).status == 200


@requirement("CB-11")
def test_a_wider_set_whose_tokens_are_dead_is_replaced(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset(BOTH.split()))
    stack.provider.faults.drop_refresh_token = True
    stack.sign_in(client, scope=BOTH)
    stack.clock.advance(121)
    sign_in = again(stack, client, scope=READ)
    handed = stack.exchange(sign_in, stack.redeem(sign_in).json["access_token"])
    assert handed.status == 200, handed.body


@requirement("CB-11", "VLT-01")
def test_two_clients_of_one_user_never_share_a_connection(stack: Stack) -> None:
    first, _ = stack.client()
    second, _ = stack.client()
    mine = stack.sign_in(first)
    stored = {connection.connection_id: connection for connection in connections(stack)}
    others = again(stack, second, scope=SCOPE)
    after = {connection.connection_id: connection for connection in connections(stack)}
    assert len(after) == 2 and all(after[one] == connection for one, connection in stored.items())
    ours = stack.redeem(mine).json["access_token"]
    theirs = next(iter(after.keys() - stored.keys()))
    assert stack.exchange(mine, ours, audience=theirs).json["error"] == "invalid_target"
    assert stack.exchange(others, stack.redeem(others).json["access_token"]).status == 200


@requirement("CB-01")
@pytest.mark.parametrize("at", [1, 2, 3])
def test_many_sign_ins_of_one_user_at_once_all_end_well(stack: Stack, at: int) -> None:
    client, _ = stack.client()
    trips = [stack.to_callback(client, browser=stack.browser()) for _ in range(at)]
    with ThreadPoolExecutor(at) as pool:
        answers = list(pool.map(lambda trip: trip.browser.get(trip.callback), trips))
    assert all("code" in answer.answered for answer in answers), [answer.status for answer in answers]
    assert connections(stack)[0].token_generation == at


@requirement("CB-11")
def test_what_a_sign_in_brought_and_nobody_keeps_is_ended_at_the_provider(stack: Stack) -> None:
    client, _ = stack.client(scopes=frozenset(BOTH.split()))
    stack.sign_in(client, scope=BOTH)
    again(stack, client, scope=READ)
    kept, brought = stack.provider.grants.families[-2:]
    assert kept.refresh_token == opened(stack)[1]
    assert (kept.revoked, brought.revoked) == (False, True)


@requirement("CB-02", "OPS-02")
def test_tokens_of_a_sign_in_that_a_mark_has_ended_on_its_way_are_ended_too(stack: Stack) -> None:
    client, _ = stack.client()
    travelling = stack.to_callback(client)
    change(stack, client_item_key(client.client_id), marks=Revocation(disabled=True))
    assert travelling.browser.get(travelling.callback).status == 403
    family = stack.provider.grants.families[-1]
    assert family.revoked and connections(stack) == []
