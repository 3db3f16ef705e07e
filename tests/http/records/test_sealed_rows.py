"""Rows that somebody with the table's keys has moved or altered: nothing opens outside its place (VLT-04)."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.codec import encode_item
from chalicelib.records.item_keys import grant_item_key, user_key_item_key
from tests.kit.http.browser import Answer
from tests.kit.http.sign_in_scene import grants
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, audits, change, events, read, read_claims, refusal, start_session
from tests.kit.requirement import requirement

ID = "error_id"


@pytest.fixture
def two(stack: Stack) -> tuple[Session, Session]:
    """Alice and Bob at one app."""
    alice = start_session(stack)
    return alice, start_session(stack, who="bob", client=(alice.client, None))


def assert_does_not_open(session: Session, answer: Answer, kind: str = "vault_does_not_open") -> None:
    """An id for the client, an alarm for the operator, no token and no record of one."""
    assert refusal(answer) == (500, "server_error") and set(answer.json) == {"error", "error_description", ID}
    assert events(session.stack, "alarm")[-1]["kind"] == kind
    assert audits(session.stack) == []


@requirement("VLT-04")
@pytest.mark.parametrize("source", ["another user", "its refresh token", "its profile"])
def test_an_access_token_from_another_place_does_not_open(two: tuple[Session, Session], source: str) -> None:
    alice, bob = two
    stack, own, theirs = (
        alice.stack,
        read(alice.stack, alice.connection_place()),
        read(bob.stack, bob.connection_place()),
    )
    moved = {
        "another user": theirs.sealed_access_token,
        "its refresh token": own.sealed_refresh_token,
        "its profile": own.sealed_profile,
    }[source]
    change(stack, alice.connection_place(), sealed_access_token=moved)
    assert_does_not_open(alice, alice.exchange())
    assert read(stack, alice.connection_place()).status == "reauth_required"
    answer = alice.exchange()
    assert refusal(answer) == (400, "invalid_grant") and answer.json["reason"] == "reauth_required"
    again = start_session(stack, client=(alice.client, None))
    assert again.exchange().status == 200


@requirement("VLT-04")
@pytest.mark.parametrize(
    "fields", [{"provider_id": "github"}, {"token_generation": 2}, {"sealed_access_token": b"\x01" + b"x" * 200}]
)
def test_a_row_that_was_altered_around_its_token_does_not_open(stack: Stack, fields: dict[str, Any]) -> None:
    session = start_session(stack)
    change(stack, session.connection_place(), **fields)
    answer = session.exchange()
    assert answer.status in (400, 500) and "access_token" not in answer.body and audits(stack) == []


@requirement("VLT-04")
def test_an_older_token_of_the_same_row_does_not_open(stack: Stack) -> None:
    session = start_session(stack)
    older = read(stack, session.connection_place())
    again = start_session(stack, client=(session.client, None))
    assert again.exchange().status == 200
    before = len(audits(stack))
    change(stack, session.connection_place(), sealed_access_token=older.sealed_access_token)
    assert again.exchange().status == 500 and len(audits(stack)) == before


@requirement("VLT-04")
@pytest.mark.parametrize("use", [Session.exchange, Session.userinfo], ids=["hand-out", "userinfo"])
def test_another_users_key_opens_nothing(two: tuple[Session, Session], use: Callable[[Session], Answer]) -> None:
    alice, bob = two
    stack = alice.stack
    theirs = read(stack, user_key_item_key(bob.claims["sub"]))
    place = user_key_item_key(alice.claims["sub"])
    item = encode_item(place.pk, theirs)
    item["sub"] = {"S": alice.claims["sub"]}
    stack.deployment.dynamodb.call("PutItem", {"TableName": stack.settings.keys_table, "Item": item})
    assert_does_not_open(alice, use(alice), "user_key_does_not_open")
    assert use(bob).status == 200


@requirement("VLT-04")
def test_a_profile_of_another_user_is_not_told(two: tuple[Session, Session]) -> None:
    alice, bob = two
    theirs = read(bob.stack, bob.connection_place()).sealed_profile
    change(alice.stack, alice.connection_place(), sealed_profile=theirs)
    assert_does_not_open(alice, alice.userinfo())


@requirement("VLT-04")
def test_without_the_users_key_nothing_is_handed_out_or_told(stack: Stack) -> None:
    session = start_session(stack)
    key = {"pk": {"S": user_key_item_key(session.claims["sub"]).pk}, "sk": {"S": "#"}}
    stack.deployment.dynamodb.call("DeleteItem", {"TableName": stack.settings.keys_table, "Key": key})
    assert refusal(session.exchange()) == (400, "invalid_target")
    assert session.userinfo().json == {"sub": session.claims["sub"]}


@requirement("VLT-04", "OIDC-01")
def test_a_grant_that_was_led_to_another_users_account_tells_nothing_of_it(two: tuple[Session, Session]) -> None:
    alice, bob = two
    stack = alice.stack
    sign_in = stack.sign_in(alice.client, claims='{"id_token": {"name": null}}')
    (grant,) = (grant for grant in grants(stack) if grant.status == "issued")
    change(stack, grant_item_key(grant.grant_id), connections=bob.claims["connections"])
    tokens = stack.redeem(sign_in)
    assert tokens.status == 200 and "name" not in read_claims(tokens.json["id_token"])
    assert read(stack, bob.connection_place()).status == "active" and events(stack, "alarm") == []
