"""Connections that no live grant could use for long: since when that is known, when they end, and who looks."""

from typing import Any

import pytest

from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import SWEEP, client_item_key, connection_item_key, grant_item_key, user_key_item_key
from chalicelib.records.revocation import Revocation
from chalicelib.records.sweep import Sweep
from chalicelib.routes.schedule import run_once
from chalicelib.vault.unused_connections import DAY, revoke_unused_connections
from tests.kit.connection_scene import Scene
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.tokens import Session, change, read, start_session
from tests.kit.requirement import requirement


def look(scene: Scene, days: int = 0) -> list[str]:
    """The daily look, so many days later; which connections it ended."""
    scene.clock.advance(days * DAY)
    scene.new_process()
    return [one.connection_id for one in revoke_unused_connections(scene.stack.broker)]


@requirement("VLT-07")
def test_a_connection_is_ended_thirty_days_after_no_grant_was_seen_and_not_before(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    assert look(scene) == [] and scene.connection.idle_since == 0
    scene.stack.post("/revoke", scene.session.client, token=scene.session.refresh_token)
    assert look(scene, 1) == []
    assert scene.connection.idle_since == scene.clock.now() and scene.connection.status == "active"
    assert look(scene, 29) == [] and scene.lives_at_provider() != []
    assert look(scene, 1) == [scene.connection_id]
    assert scene.connection.status == "revoked" and scene.lives_at_provider() == []
    assert look(scene, 1) == []


@requirement("VLT-07")
def test_a_grant_that_lives_keeps_it_and_a_new_one_begins_the_count_anew(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    place = grant_item_key(scene.session.claims["grant_id"])
    change(scene.stack, place, expires_at=scene.clock.now() + 300 * DAY, ends_at=scene.clock.now() + 300 * DAY)
    for _ in range(3):
        assert look(scene, 40) == [] and scene.connection.idle_since == 0
    change(scene.stack, place, status="revoked")
    assert look(scene, 1) == [] and scene.connection.idle_since != 0
    scene.sign_in_again()
    assert look(scene, 1) == [] and scene.connection.idle_since == 0


@requirement("VLT-07")
def test_a_grant_that_returns_forgets_since_when_there_was_none(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    place = grant_item_key(scene.session.claims["grant_id"])
    change(scene.stack, connection_item_key(scene.connection_id), idle_since=scene.clock.now() - 40 * DAY)
    assert look(scene) == [] and scene.connection.idle_since == 0
    assert read(scene.stack, place).status == "active"


@requirement("VLT-07", "REG-05")
def test_a_client_that_ended_itself_loses_its_connections_at_the_next_look(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    other = scene.other_app()
    place = client_item_key(scene.session.client.client_id)
    change(scene.stack, place, marks=Revocation(disabled=True))
    assert look(scene) == []
    change(scene.stack, place, deleted_at=scene.clock.now())
    assert look(scene, 1) == [scene.connection_id]
    assert scene.connection.status == "revoked"
    assert read(scene.stack, other.connection_place()).status == "active"
    assert look(scene, 1) == []


@requirement("VLT-07")
def test_another_apps_grant_keeps_nothing(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    other = scene.other_app()
    far = scene.clock.now() + 300 * DAY
    change(scene.stack, grant_item_key(other.claims["grant_id"]), expires_at=far, ends_at=far)
    assert look(scene, 31) == [] and look(scene, 31) == [scene.connection_id]
    assert other.connection_place() != connection_item_key(scene.connection_id)
    assert read(scene.stack, other.connection_place()).status == "active"


@requirement("VLT-07", "F21")
def test_the_look_comes_once_a_day_by_one_and_goes_on_page_by_page(make_scene: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chalicelib.adapters.dynamodb.job_queue.PAGE", 2)
    scene: Scene = make_scene("ask")
    for _ in range(3):
        start_session(scene.stack, who="bob")
    scene.clock.advance(60 * DAY)
    broker = scene.stack.broker
    taken = broker.queue.take_sweep(now=scene.clock.now(), seconds=60)
    assert taken is not None and broker.queue.take_sweep(now=scene.clock.now(), seconds=60) is None
    assert look(scene) == [], "somebody has it"
    scene.clock.advance(61)
    look(scene)
    scene.clock.advance(DAY - 1)
    with scene.stack.dynamodb.counted() as calls:
        look(scene)
    assert calls == {"BatchGetItem": 1}, "it is not time yet"
    idle = scene.stack.deployment.scan("CONNECTION#", Connection)
    assert len(idle) == 4 and all(one.idle_since for one in idle)
    assert len(look(scene, 30)) == 4


@requirement("VLT-07", "F21")
def test_a_look_without_time_goes_on_where_it_stopped_and_one_that_dies_does_too(
    make_scene: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("chalicelib.adapters.dynamodb.job_queue.PAGE", 1)
    scene: Scene = make_scene("ask")
    scene.time_left.seconds = 11
    look(scene, 60)
    assert scene.connection.idle_since == 0 and read(scene.stack, SWEEP).due_at <= scene.clock.now()
    scene.time_left.seconds = 25
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="K", operation="Scan", first=2))
    with pytest.raises(ProcessDied):
        look(scene)
    scene.line.faulty = None
    assert read(scene.stack, SWEEP).cursor != ()
    scene.clock.advance(61)
    look(scene)
    assert scene.connection.idle_since != 0
    stands = read(scene.stack, SWEEP)
    assert stands == Sweep(due_at=scene.clock.now() + DAY)


@requirement("VLT-07")
def test_the_schedule_looks_too(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    change(scene.stack, connection_item_key(scene.connection_id), idle_since=scene.clock.now())
    change(scene.stack, grant_item_key(scene.session.claims["grant_id"]), status="revoked")
    scene.clock.advance(30 * DAY)
    assert run_once(scene.stack.broker) == {"done": 0, "later": 0, "given_up": 0, "idle": 1}


def let_go(scene: Scene, session: Session) -> None:
    """Its grant is over, and nobody has had one for long."""
    change(scene.stack, grant_item_key(session.claims["grant_id"]), status="revoked")
    change(scene.stack, session.connection_place(), idle_since=scene.clock.now() - 31 * DAY)


@requirement("VLT-07")
def test_a_key_that_does_not_open_holds_up_nobody_else(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    bob = start_session(scene.stack, who="bob")
    for session in (scene.session, bob):
        let_go(scene, session)
    key = {"pk": {"S": user_key_item_key(scene.session.claims["sub"]).pk}, "sk": {"S": "#"}}
    scene.stack.dynamodb.call(
        "UpdateItem",
        {
            "TableName": scene.stack.settings.keys_table,
            "Key": key,
            "UpdateExpression": "SET sealed = :broken",
            "ExpressionAttributeValues": {":broken": {"B": "AAAA"}},
        },
    )
    assert look(scene) == [bob.claims["connections"]["demo"]]
    assert scene.connection.status == "active" and "idle_not_ended" in scene.stack.log.getvalue()


@requirement("VLT-07", "VLT-01")
def test_whose_connection_it_is_the_item_says_and_not_the_index(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    bob, table = start_session(scene.stack, who="bob"), scene.stack.dynamodb
    let_go(scene, bob)
    change(scene.stack, scene.session.connection_place(), idle_since=scene.clock.now() - 31 * DAY)

    class SaysBob:
        def call(self, operation: str, payload: Any) -> Any:
            answer = table.call(operation, payload)
            if operation == "Scan":
                answer["Items"] = [{**item, "sub": {"S": bob.claims["sub"]}} for item in answer["Items"]]
            return answer

    scene.line.inner = SaysBob()
    assert look(scene) == [bob.claims["connections"]["demo"]] and scene.connection.status == "active"
