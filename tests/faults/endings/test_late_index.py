"""An index that does not show the newest items yet: what ends a user's connections finds them all the same."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.codec import encode
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, subject_item_key, user_key_item_key
from chalicelib.vault.new_connections import MOST_NOTED, NOTED_SECONDS, add_note
from chalicelib.vault.unstored_tokens import read_held_tokens
from tests.kit.connection_scene import Scene
from tests.kit.faults import Before, Fault, FaultyTransport, LateIndex, ProcessDied
from tests.kit.http.account_page import look, press
from tests.kit.http.browser import Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import NO_ANSWER, Session, change, read, start_session
from tests.kit.requirement import requirement


def connection_of(session: Session) -> Connection:
    return read(session.stack, session.connection_place())


def hide(scene: Scene, *sessions: Session) -> None:
    """The index has not heard of these sign-ins: neither of connection nor of consent and grant."""
    places = [place for session in sessions for place in (session.connection_place(), session.consent_place())]
    grants = [f"GRANT#{session.claims['grant_id']}" for session in sessions]
    scene.line.inner = LateIndex(scene.stack.dynamodb, *(place.pk for place in places), *grants)


def delete_all(session: Session) -> Answer:
    headers = {"Authorization": f"Bearer {session.access}"}
    return request(session.stack.netloc, "DELETE", "/connections", headers=headers)


def notes(scene: Scene) -> dict[str, int]:
    return read(scene.stack, subject_item_key(scene.session.claims["sub"])).new_connections


@requirement("VLT-09", "VLT-24")
@pytest.mark.parametrize("known_before", [False, True])
def test_an_erasure_ends_a_connection_that_the_index_does_not_show(make_scene: Any, known_before: bool) -> None:
    """The user's first connection, and one that a user who is known adds."""
    scene: Scene = make_scene("ask")
    newest = scene.other_app() if known_before else scene.session
    sub = scene.session.claims["sub"]
    hide(scene, newest)
    erasure = erase_user(scene.stack.broker, sub)
    assert erasure is not None and connection_of(newest) in erasure.connections
    assert set(connection_of(newest).endings.values()) == {"revoked"}
    assert scene.lives_at_provider() == []
    assert read(scene.stack, user_key_item_key(sub)).sealed == b""
    assert notes(scene) == {}, "an erased user keeps no list"


@requirement("VLT-09", "F02")
def test_an_erasure_that_crashed_is_repeated_although_the_index_still_lags(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    sub, at = scene.session.claims["sub"], 0
    hide(scene, scene.session)
    late = scene.line.inner
    while True:
        scene.line.inner = FaultyTransport(late, Fault(mode="C", first=at))
        try:
            erase_user(scene.stack.broker, sub)
        except ProcessDied:
            at += 5
            continue
        break
    scene.line.inner = late
    assert at > 10 and scene.lives_at_provider() == [] and connection_of(scene.session).status == "revoked"


@requirement("REV-03", "VLT-24")
@pytest.mark.parametrize("noted", [True, False])
def test_an_app_ends_a_connection_that_the_index_does_not_show(make_scene: Any, noted: bool) -> None:
    """Its grant names the connection too, so that one of before there were notes is found as well."""
    scene: Scene = make_scene("ask")
    hide(scene, scene.session)
    if not noted:
        change(scene.stack, subject_item_key(scene.session.claims["sub"]), new_connections={})
    answer = delete_all(scene.session)
    assert [one["connection_id"] for one in answer.json["connections"]] == [scene.connection_id]
    assert scene.connection.status == "revoked" and scene.lives_at_provider() == []


@requirement("REV-03", "VLT-24")
def test_an_app_ends_what_neither_the_index_nor_its_grant_names(make_scene: Any) -> None:
    """The note alone tells of it, as of a second account at one provider."""
    scene: Scene = make_scene("ask")
    hide(scene, scene.session)
    change(scene.stack, scene.session.consent_place(), default_connections={})
    grant = scene.session.grant()
    scene.stack.deployment.dynamodb.call(
        "UpdateItem",
        {
            "TableName": scene.stack.settings.table,
            "Key": {"pk": {"S": f"GRANT#{grant.grant_id}"}, "sk": {"S": "#"}},
            "UpdateExpression": "SET connections = :none",
            "ExpressionAttributeValues": {":none": encode({})},
        },
    )
    answer = delete_all(scene.session)
    assert [one["connection_id"] for one in answer.json["connections"]] == [scene.connection_id]
    assert scene.lives_at_provider() == []


@requirement("VLT-07", "VLT-24")
def test_another_app_that_connected_a_moment_ago_keeps_the_accounts_grant(make_scene: Any) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    hide(scene, other)
    assert scene.end() == "kept_shared"
    alive = other.exchange()
    assert alive.status == 200 and scene.works(alive.json["access_token"])


@requirement("ACC-03", "VLT-24")
@pytest.mark.parametrize("button", ["end_all_sure", "end_app_sure"])
def test_the_users_own_page_ends_an_app_that_the_index_does_not_show(make_scene: Any, button: str) -> None:
    scene: Scene = make_scene("ask")
    newest = scene.other_app()
    hide(scene, newest)
    browser = newest.sign_in.browser
    act = button if button == "end_all_sure" else f"end_app_sure {newest.client.client_id}"
    assert press(browser, look(browser), act).status == 200
    assert connection_of(newest).status == "revoked"
    assert newest.userinfo().status == 401 and newest.refresh().status == 400, "its consent ended too"


@requirement("CB-12", "VLT-24")
def test_a_token_that_the_newest_connection_holds_is_not_given_back(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    token = scene.stored()
    hide(scene, scene.session)
    assert token in read_held_tokens(scene.stack.broker, "demo", (scene.connection.sub,))


@requirement("VLT-24", "F02")
@pytest.mark.parametrize("mode", ["C", "K"])
@pytest.mark.parametrize("known_before", [False, True])
def test_wherever_a_sign_in_crashes_no_connection_is_stored_without_its_note(
    make_scene: Any, mode: Any, known_before: bool
) -> None:
    scene: Scene = make_scene("ask")
    who = "alice" if known_before else "bob"
    for at in range(12):
        client, secret = scene.stack.client()
        back = scene.stack.to_callback(client, secret, who=who, browser=scene.stack.browser())
        scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode=mode, first=at))
        with contextlib.suppress(NO_ANSWER):
            back.browser.get(back.callback)
        scene.line.faulty = None
        for one in scene.stack.deployment.scan("CONNECTION#", Connection):
            assert one.connection_id in read(scene.stack, subject_item_key(one.sub)).new_connections


@requirement("VLT-09")
def test_a_sign_in_during_which_an_erasure_begins_stores_no_connection(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    sub = scene.session.claims["sub"]
    client, secret = scene.stack.client()
    back = scene.stack.to_callback(client, secret, browser=scene.stack.browser())
    subject, store = read(scene.stack, subject_item_key(sub)), scene.stack.deployment.store
    scene.line.inner = Before(
        scene.stack.dynamodb,
        "UpdateItem",
        f"SUBJECT#{sub}",
        lambda: store.erase_subject(subject, now=scene.clock.now()),
    )
    assert back.browser.get(back.callback).status == 403
    erase_user(scene.stack.broker, sub)
    assert scene.lives_at_provider() == []
    assert [one.status for one in scene.stack.deployment.scan("CONNECTION#", Connection)] == ["revoked"]


@requirement("VLT-24")
def test_of_two_apps_at_one_moment_both_connections_are_noted(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    sub, others = scene.session.claims["sub"], list[Session]()
    scene.line.inner = Before(
        scene.stack.dynamodb, "UpdateItem", f"SUBJECT#{sub}", lambda: others.append(start_session(scene.stack))
    )
    others.append(start_session(scene.stack))
    assert len(others) == 2
    assert {connection_item_key(name) for name in notes(scene)} >= {one.connection_place() for one in others}


@requirement("VLT-24")
def test_a_note_that_a_crash_left_is_renewed_before_it_goes(make_scene: Any) -> None:
    """The connection is stored hours after its first note, which the next note would drop as too old."""
    scene: Scene = make_scene("ask")
    other = scene.other_app()
    sub, name = scene.session.claims["sub"], other.connection_place().pk.partition("#")[2]
    scene.stack.deployment.dynamodb.call(
        "DeleteItem",
        {"TableName": scene.stack.settings.table, "Key": {"pk": {"S": f"CONNECTION#{name}"}, "sk": {"S": "#"}}},
    )
    scene.clock.advance(NOTED_SECONDS - 1)
    assert name in notes(scene)
    given = (other.client, other.sign_in.secret)
    newest = start_session(scene.stack, client=given)
    scene.clock.advance(1)
    scene.other_app()
    hide(scene, newest)
    erasure = erase_user(scene.stack.broker, sub)
    assert erasure is not None and name in {one.connection_id for one in erasure.connections}


@requirement("VLT-24")
def test_notes_stay_few_and_young_and_the_newest_are_kept() -> None:
    noted = dict[str, int]()
    for number in range(3 * MOST_NOTED):
        noted = add_note(noted, f"{number:032x}", now=1000 + number)
        assert len(noted) <= MOST_NOTED
    assert list(noted) == [f"{number:032x}" for number in range(2 * MOST_NOTED, 3 * MOST_NOTED)]
    assert len(noted) * 50 < 2048, "the user's item, which every request reads, stays small"
    later = add_note(noted, "new", now=max(noted.values()) + NOTED_SECONDS)
    assert list(later) == ["new"]


@requirement("BUDGET")
def test_a_sign_in_where_a_connection_stands_notes_nothing(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene("ask")
    stack: Stack = scene.stack
    before = len(stack.dynamodb.calls)
    scene.sign_in_again()
    written = [payload for operation, payload in stack.dynamodb.calls[before:] if operation == "UpdateItem"]
    assert not [one for one in written if one["Key"]["pk"]["S"].startswith("SUBJECT#")]
