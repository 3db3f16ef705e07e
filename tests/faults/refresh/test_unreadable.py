"""An item of the table that is no record of ours, by a strange hand or a release that is too new: nothing is concluded
from it, and it stands in the way of nobody else."""

import argparse
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.ports import ItemUnreadable
from chalicelib.records.deployment import Deployment as DeploymentRecord
from chalicelib.records.item_keys import DEPLOYMENT, ItemKey, connection_item_key, grant_item_key
from chalicelib.vault.unused_connections import DAY, revoke_unused_connections
from cli.commands import kill
from cli.deployment.connections import list_connections
from cli.deployment.operations import OperationError
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import read
from tests.kit.requirement import requirement

TORN: Mapping[str, dict[str, Any]] = {
    "a word for a number": {"S": "many"},
    "a fraction": {"N": "1.5"},
    "nothing": {"NULL": True},
}


def tear(scene: Scene, place: ItemKey[Any], name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Write that into one attribute; the item as it was."""
    table, call = scene.stack.settings.table, scene.stack.deployment.dynamodb.call
    key = {"pk": {"S": place.pk}, "sk": {"S": "#"}}
    item: dict[str, Any] = call("GetItem", {"TableName": table, "Key": key})["Item"]
    call("PutItem", {"TableName": table, "Item": {**item, name: value}})
    return item


@requirement("STORE-31")
@pytest.mark.parametrize("value", TORN.values(), ids=TORN)
def test_a_request_that_meets_it_is_told_to_come_again_and_writes_nothing(make_scene: Any, value: Any) -> None:
    scene: Scene = make_scene("ask")
    place = grant_item_key(scene.session.claims["grant_id"])
    kept = tear(scene, place, "generation", value)
    answer = scene.session.refresh()
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert '"reason":"item_unreadable"' in scene.stack.log.getvalue()
    assert '"unhandled"' not in scene.stack.log.getvalue()
    tear(scene, place, "generation", kept["generation"])
    assert scene.session.refresh().status == 200


@requirement("STORE-31", "VLT-07")
def test_a_duty_that_cannot_be_read_keeps_no_other_from_being_done(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    scene.provider.faults.status = None
    torn = {"pk": {"S": "JOB#revoke"}, "sk": {"S": "000000000001#torn"}, "kind": {"S": "revoke"}}
    scene.stack.deployment.dynamodb.call("PutItem", {"TableName": scene.stack.settings.table, "Item": torn})
    scene.clock.advance(3600)
    assert [performed.outcome for performed in scene.run_jobs()] == ["done"]
    assert '"kind":"job_broken","job_kind":"revoke","error":"item_unreadable"' in scene.stack.log.getvalue()


@requirement("STORE-31", "VLT-07")
def test_a_connection_that_cannot_be_read_keeps_no_other_from_being_looked_at(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.stack.post("/revoke", scene.session.client, token=scene.session.refresh_token)
    torn = {"pk": {"S": "CONNECTION#" + "0" * 32}, "sk": {"S": "#"}, "sub": {"S": "0"}, "granted": {"N": "1"}}
    scene.stack.deployment.dynamodb.call("PutItem", {"TableName": scene.stack.settings.table, "Item": torn})
    for days in (0, 30):
        scene.clock.advance(days * DAY)
        scene.new_process()
        ended = [one.connection_id for one in revoke_unused_connections(scene.stack.broker)]
    assert ended == [scene.connection_id]
    assert '"kind":"job_broken","job_kind":"idle","error":"item_unreadable"' in scene.stack.log.getvalue()


@requirement("STORE-31", "OPS-02")
def test_the_operator_is_told_which_item_it_is_and_that_a_switch_is_thrown_all_the_same(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    deployment, place = scene.stack.deployment, connection_item_key(scene.connection_id)
    tear(scene, place, "granted", {"N": "1"})
    with pytest.raises(OperationError, match=f"the item {place.pk} # cannot be read"):
        list_connections(deployment)
    everything = argparse.Namespace(kind="everything", undo=False, yes=True, no_count=False, json=True)
    with pytest.raises(OperationError, match="the kill switch is set, but what it voided cannot be counted"):
        kill.throw_switch(deployment, everything)
    deployed: DeploymentRecord = read(scene.stack, DEPLOYMENT)
    assert deployed.marks.disabled
    with pytest.raises(ItemUnreadable):
        read(scene.stack, place)
