"""The table is restored to an earlier point: what was given before is void, and nothing that was ended comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.jobs.user_erasure import erase_user
from chalicelib.keys.lifecycle import LEAD_SECONDS, without
from chalicelib.keys.rewrap import reseal_vault
from chalicelib.keys.rotation import CannotRotate, rotate_one
from chalicelib.ports import Written
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import keyset_copy_item_key
from chalicelib.records.keyset import KeyState
from chalicelib.records.small_items import KeysetItem
from cli.commands.kill import kill_client, kill_user
from cli.commands.restore import bring_back_vault, finish_restore
from cli.deployment.operations import Deployment, OperationError, rotate_client_secret
from local.stack.resources import create_tables
from tests.kit.http.sign_in_scene import add_provider
from tests.kit.http.stack import SignIn, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, refusal, start_session
from tests.kit.registration.initial_token import register, token_for
from tests.kit.registration.managed_client import PUBLIC, Managed
from tests.kit.requirement import requirement
from tests.store.keys.turning import DAY, keyset, rotator_of, run_schedule, states

SCOPE = "openid profile offline_access demo:notes:read"


@dataclass
class Before:
    """What was given before the point to which the table goes back, and after it."""

    session: Session
    late: Session
    other: Session
    code: SignIn
    late_code: SignIn
    initial: str
    managed: Managed


@pytest.fixture
def stack(make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = make_stack(registration="open", access_token_seconds=36000)
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)
    add_provider(stack)
    return stack


def snapshot(stack: Stack) -> list[dict[str, Any]]:
    """A backup of the table `broker`; there is none of `broker-keys`."""
    answer = stack.deployment.dynamodb.call("Scan", {"TableName": stack.settings.table, "ConsistentRead": True})
    assert "LastEvaluatedKey" not in answer
    items: list[dict[str, Any]] = answer["Items"]
    return items


def restore(stack: Stack, items: list[dict[str, Any]]) -> None:
    """As the service does it: into a table of another name, from which the deployment goes on, under a raised epoch."""
    name = f"{stack.settings.table}-restored"
    create_tables(stack.parts.aws.endpoint_url, name, stack.settings.keys_table)
    for item in items:
        stack.deployment.dynamodb.call("PutItem", {"TableName": name, "Item": item})
    stack.settings = replace(stack.settings, table=name, epoch=stack.settings.epoch + 1)
    stack.deployment = Deployment(stack.settings, dynamodb=stack.deployment.dynamodb, kms=stack.deployment.kms)
    stack.deployment.clock = stack.clock
    stack.restart()


def give(stack: Stack) -> tuple[Before, list[dict[str, Any]]]:
    """An app, its user, a second provider, codes and tokens of every kind; the point lies in the middle."""
    client = stack.client()
    session = start_session(stack, client=client)
    other = start_session(stack, client=stack.client(**CONFIDENTIAL))
    code, initial, managed = stack.sign_in(*client), token_for(stack), Managed(stack, PUBLIC)
    kept = snapshot(stack)
    late, late_code = start_session(stack, client=client), stack.sign_in(*client)
    assert session.refresh().status == 200
    return Before(session, late, other, code, late_code, initial, managed), kept


@requirement("F09", "OPS-02", "REG-08")
def test_every_credential_of_before_is_void_whether_the_table_still_knows_it_or_not(stack: Stack) -> None:
    before, kept = give(stack)
    restore(stack, kept)
    for session in (before.session, before.late, before.other):
        assert refusal(session.refresh()) == (400, "invalid_grant")
        assert refusal(session.userinfo()) == (401, "invalid_token")
        assert refusal(session.exchange()) == (400, "invalid_request")
        assert stack.get("/connections", Authorization=f"Bearer {session.access}").status == 401
        asked = stack.authorize(stack.authorize_parameters(session.client), session.sign_in.browser)
        assert asked.status == 200 and 'name="decision"' in asked.body  # its browser is signed in no more
    for code in (before.code, before.late_code):
        assert refusal(stack.redeem(code)) == (400, "invalid_grant")
    assert register(stack, before.initial).status == 401
    assert before.managed.call("GET").status == 401
    api = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    assert stack.post("/introspect", *api, token=before.late.access).json == {"active": False}


@requirement("F09", "VLT-01")
def test_a_connection_whose_tokens_went_back_is_in_doubt_and_hands_out_nothing_that_is_stored(stack: Stack) -> None:
    before, kept = give(stack)
    handed = before.session.exchange().json["access_token"]
    restore(stack, kept)
    finished = finish_restore(stack.deployment, stack.broker)
    assert finished["connections_in_doubt"] == 2 and finished["grants_of_this_epoch"] == 0
    again = start_session(stack, client=(before.session.client, None))
    assert again.claims["sub"] == before.session.claims["sub"]
    fresh = again.exchange()
    assert fresh.status == 200 and fresh.json["access_token"] != handed
    assert finish_restore(stack.deployment, stack.broker)["connections_in_doubt"] == 1


@requirement("F09", "KEY-04")
@pytest.mark.parametrize("looks", [1, 2], ids=["the old key is there", "the old key is gone"])
def test_users_keys_that_were_sealed_anew_since_open_again(stack: Stack, looks: int) -> None:
    before, kept = give(stack)
    for _ in range(2):
        rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
        stack.clock.advance(LEAD_SECONDS)
    for _ in range(looks):
        done = reseal_vault(
            rotator_of(stack), stack.broker.keys, provider_ids=stack.broker.catalog.ids, now=stack.clock.now,
            left=lambda: 60.0,
        )  # fmt: skip
    assert done.state == ("resealed", "clean")[looks - 1]
    restore(stack, kept)
    assert states(stack, "vault") == {1: "current"}  # and everything of a user is sealed under version 2
    assert bring_back_vault(stack.deployment) == [2]
    assert states(stack, "vault") == {1: "retired", 2: "current"}
    assert bring_back_vault(stack.deployment) == []
    stack.restart()
    again = start_session(stack, client=(before.session.client, None))
    assert again.exchange().status == 200 and again.claims["sub"] == before.session.claims["sub"]


@requirement("F09", "KEY-04")
def test_the_schedule_of_a_restored_table_takes_no_key_out_of_the_copy(stack: Stack) -> None:
    """It is from before the turn, so the turn is due there, and the schedule may run before the operator does."""
    before, kept = give(stack)
    stack.clock.advance(stack.settings.key_days * DAY)
    for _ in range(2):
        run_schedule(stack)
        stack.clock.advance(LEAD_SECONDS)
    reseal_vault(
        rotator_of(stack), stack.broker.keys, provider_ids=stack.broker.catalog.ids, now=stack.clock.now,
        left=lambda: 60.0,
    )  # fmt: skip
    restore(stack, kept)
    for _ in range(2):
        assert all(purpose != "vault" for purpose, _, _ in run_schedule(stack))
        assert '"kind":"key_cannot_turn","purpose":"vault","reason":"copy_is_newer"' in stack.log.getvalue()
        with pytest.raises(CannotRotate, match="copy_is_newer"):
            rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
        stack.clock.advance(LEAD_SECONDS)
    assert bring_back_vault(stack.deployment) == [2]
    stack.restart()
    again = start_session(stack, client=(before.session.client, None))
    assert again.exchange().status == 200 and again.claims["sub"] == before.session.claims["sub"]


def keep_another(stack: Stack, state: KeyState) -> tuple[KeysetItem, KeysetItem]:
    """The keyset, in which version 2 is published, and a copy of the same revision where version 2 is another key."""
    rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
    ring, item, place = stack.deployment.ring, keyset(stack, "vault"), keyset_copy_item_key("vault")
    first, second = item.keys
    other = replace(second, wrapped=ring.wrap("vault", 2, b"another key of 32 bytes, for two"), state=state)
    copy = replace(item, keys=(replace(first, state="retired") if state == "current" else first, other))
    assert isinstance(ring._put(place, copy, "attribute_exists(pk)"), Written)
    return item, copy


@requirement("F09", "KEY-04")
def test_a_key_of_the_same_version_takes_no_place_of_the_one_that_seals(stack: Stack) -> None:
    """The old table's schedule was still at work when the restored one made its own version 2."""
    item, copy = keep_another(stack, "current")
    stack.clock.advance(LEAD_SECONDS)
    with pytest.raises(CannotRotate, match="copy_is_newer"):
        rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
    assert not stack.deployment.ring.keep_copy(replace(item, revision=copy.revision + 9))
    place = keyset_copy_item_key("vault")
    assert stack.deployment.store.read(place).get(place) == copy
    assert bring_back_vault(stack.deployment) == [2]
    assert keyset(stack, "vault").keys == copy.keys
    assert bring_back_vault(stack.deployment) == []


@requirement("F09", "KEY-04")
def test_two_keys_of_one_version_that_were_both_used_stay_where_they_are(stack: Stack) -> None:
    item, copy = keep_another(stack, "current")
    used_here = replace(item, keys=(*copy.keys[:1], replace(item.keys[1], state="current")))
    assert isinstance(stack.deployment.ring.swap(used_here, read=item), Written)
    with pytest.raises(OperationError, match="version 2 of the vault's key is one key in this table and another"):
        bring_back_vault(stack.deployment)
    place = keyset_copy_item_key("vault")
    assert stack.deployment.store.read(place).get(place) == copy and keyset(stack, "vault") == used_here


@requirement("F09", "KEY-04")
def test_a_key_under_which_nothing_is_sealed_yet_may_be_made_again(stack: Stack) -> None:
    """Who kept the copy died before the keyset was written: the next one is not held up by it."""
    keep_another(stack, "published")
    assert bring_back_vault(stack.deployment) == [2]
    stack.clock.advance(LEAD_SECONDS)
    assert rotate_one(rotator_of(stack), "vault", now=stack.clock.now()).done == "used"
    assert states(stack, "vault") == {1: "retired", 2: "current"}


@requirement("F09", "VLT-09")
def test_who_was_erased_since_stays_erased_and_may_come_as_somebody_new(stack: Stack) -> None:
    session = start_session(stack, who="bob")
    kept = snapshot(stack)
    erase_user(stack.broker, session.claims["sub"])
    restore(stack, kept)
    finished = finish_restore(stack.deployment, stack.broker)
    assert finished["erased_again"] == [session.claims["sub"]]
    assert finish_restore(stack.deployment, stack.broker)["erased_again"] == []
    stack.clock.advance(2)  # the mark of an erasure catches its own second
    again = start_session(stack, who="bob", client=(session.client, None))
    assert again.claims["sub"] != session.claims["sub"] and again.exchange().status == 200


@requirement("F09", "VLT-09")
@pytest.mark.parametrize("lives", [0, 1])
def test_who_was_killed_then_erased_since_is_erased_again_and_may_come_as_somebody_new(
    stack: Stack, lives: int
) -> None:
    """A kill sets the mark of an erasure, and an undone one would let somebody back who is gone."""
    session = start_session(stack, who="bob")
    for _ in range(lives):
        erase_user(stack.broker, session.claims["sub"])
        stack.clock.advance(2)
        session = start_session(stack, who="bob", client=(session.client, None))
    sub = session.claims["sub"]
    kill_user(stack.deployment, sub, undo=False)
    kept = snapshot(stack)
    erase_user(stack.broker, sub)
    restore(stack, kept)
    assert finish_restore(stack.deployment, stack.broker)["erased_again"] == [sub]
    assert finish_restore(stack.deployment, stack.broker)["erased_again"] == []
    assert {one.status for one in stack.deployment.scan("CONNECTION#", Connection) if one.sub == sub} == {"revoked"}
    stack.clock.advance(2)
    again = start_session(stack, who="bob", client=(session.client, None))
    assert again.claims["sub"] != sub and again.exchange().status == 200


@requirement("F09")
def test_switches_and_secrets_of_after_the_point_are_as_they_were_before_it(stack: Stack) -> None:
    """docs/restore.md tells the operator to throw and rotate them again."""
    client, secret = stack.client(**CONFIDENTIAL)
    kept = snapshot(stack)
    rotate_client_secret(stack.deployment, client.client_id, overlap_seconds=0)
    kill_client(stack.deployment, client.client_id, undo=False)
    restore(stack, kept)
    assert start_session(stack, client=(client, secret)).userinfo().status == 200


@requirement("F09", "KEY-04")
def test_who_dies_while_a_key_is_forgotten_holds_up_no_later_turn(stack: Stack) -> None:
    """The keyset has let go of it and the copy has not yet: nothing that needed it is left."""
    for _ in ("published", "used"):
        rotate_one(rotator_of(stack), "vault", now=stack.clock.now())
        stack.clock.advance(LEAD_SECONDS)
    item = keyset(stack, "vault")
    assert isinstance(stack.deployment.ring.swap(without(item, frozenset({1})), read=item), Written)
    assert rotate_one(rotator_of(stack), "vault", now=stack.clock.now()).done == "published"
    copy = stack.deployment.store.read(keyset_copy_item_key("vault")).get(keyset_copy_item_key("vault"))
    assert copy is not None and copy.keys == keyset(stack, "vault").keys and len(copy.keys) == 2
