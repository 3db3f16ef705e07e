"""The operator takes back one connection, or all access of an app, also of one that is deleted, in honest words."""

from typing import Any

import pytest

from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from cli.commands.connection import end_client, end_connections, ended_rows
from cli.deployment.connections import list_connections
from cli.deployment.operations import delete_client
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import Session, read, refusal
from tests.kit.requirement import requirement


def words(rows: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    """What is said of each."""
    return [(row["at_provider"], row["alive_there"]) for row in rows]


def end_app(scene: Scene, client_id: str) -> list[dict[str, Any]]:
    """All access of one app."""
    broker = scene.stack.broker
    return ended_rows(broker, end_client(scene.stack.deployment, broker, client_id))


@requirement("VLT-07")
@pytest.mark.parametrize("deleted", [False, True])
def test_all_access_of_an_app_ends_here_and_there_also_when_the_app_is_deleted(make_scene: Any, deleted: bool) -> None:
    scene: Scene = make_scene("ask")
    other, client_id = scene.other_app(), scene.session.client.client_id
    if deleted:
        delete_client(scene.stack.deployment, client_id)
    (row,) = end_app(scene, client_id)
    assert (row["at_provider"], row["alive_there"], row["status"]) == ("revoked", False, "revoked")
    assert [part["result"] for part in row["tokens"]] == ["revoked", "revoked"]
    assert other.exchange().status == 200 and len(scene.lives_at_provider()) == 1
    answer = scene.session.refresh()
    if deleted:
        assert answer.status == 401 or refusal(answer)[0] == 400
    else:
        assert refusal(answer) == (400, "invalid_grant"), "its grants are over as well"


@requirement("VLT-07")
def test_each_answer_has_its_word(make_scene: Any) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    assert words(end_app(scene, scene.session.client.client_id)) == [("kept_shared", False)]
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    rows = end_app(scene, other.client.client_id)
    assert words(rows) == [("failed", True)]
    assert all(part["reason"] for part in rows[0]["tokens"])
    scene.provider.faults.status = None
    scene.clock.advance(61)
    scene.run_jobs()
    assert scene.lives_at_provider() == []
    assert words(end_app(scene, other.client.client_id)) == [("revoked", False)], "asked again it says how it ended"


@requirement("VLT-07")
def test_one_connection_ends_alone_and_lists_say_what_still_lives(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    other: Session = scene.other_app()
    deployment = scene.stack.deployment
    one: Connection = read(scene.stack, connection_item_key(scene.connection_id))
    (ended,) = end_connections(scene.stack.broker, [one])
    assert ended.status == "revoked" and other.exchange().status == 200
    assert [found.connection_id for found in list_connections(deployment, client_id=other.client.client_id)] == [
        other.claims["connections"]["demo"]
    ]
    both = list_connections(deployment, sub=scene.session.claims["sub"])
    assert {found.status for found in both} == {"active", "revoked"}
    assert list_connections(deployment, provider_id="another") == []


@requirement("VLT-07")
def test_without_the_users_key_what_it_held_is_said_to_be_lost(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.stack.broker.store.destroy_user_key(scene.session.claims["sub"])
    (row,) = end_app(scene, scene.session.client.client_id)
    assert (row["at_provider"], row["alive_there"]) == ("failed", True)
    assert "lost" in row["tokens"][0]["reason"]
