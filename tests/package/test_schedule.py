"""The scheduled function of the real package, under AWS's runtime client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.adapters.chain import CHAIN
from chalicelib.custody.chaining import is_genuine
from chalicelib.records.audit import AuditEvent
from chalicelib.records.places import connection_place, keyset_place
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS, window_of
from cli.operations import Deployment
from tests.package.function import LambdaFunction
from tests.package.runtime_api import FunctionFailed
from tests.package.world import NETWORK, SCHEDULED, World, leave_a_duty
from tests.requirement import requirement


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"), played=True)
    yield found
    found.stop()


@requirement("VLT-07", "F21")
def test_a_scheduled_event_does_what_is_due_and_a_second_one_finds_nothing(
    host_package: Path, world: World, tmp_path: Path
) -> None:
    with LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,)) as api:
        world.sign_in(world.door(api)).run()
    operator = world.operator(world.neighbours.endpoint_url)
    place = connection_place(leave_a_duty(operator).connection_id)
    jobs = LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,), handler="app.jobs")
    with jobs:
        assert jobs(SCHEDULED) == {"done": 1, "later": 0, "given_up": 0, "idle": 0}
        assert jobs(SCHEDULED) == {"done": 0, "later": 0, "given_up": 0, "idle": 0}
    tombstone = operator.store.read(place).get(place)
    assert tombstone is not None and set(tombstone.endings.values()) == {"revoked"}


@requirement("AUD-02")
def test_a_scheduled_event_seals_what_is_on_record(host_package: Path, world: World, tmp_path: Path) -> None:
    """The chain begins anew, with a record in each of the two windows that may be the first when it runs."""
    operator = world.operator(world.neighbours.endpoint_url)
    deployment = Deployment(operator.settings)
    while old := operator.queue.last_seal():  # of runs before this one
        gone = {"pk": {"S": CHAIN}, "sk": {"S": f"{old.window:012d}"}}
        deployment.dynamodb.call("DeleteItem", {"TableName": operator.settings.table, "Key": gone})
    settled = window_of(operator.clock.now() - SETTLE_SECONDS)
    for at in (settled - WINDOW_SECONDS, settled):
        operator.store.append_audit(AuditEvent(event="handout", at=at, request_id=f"{at:024x}", sub="somebody"))
    with LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,), handler="app.jobs") as jobs:
        jobs(SCHEDULED)
        assert '"event":"audit_sealed"' in jobs.log.read_text()
    seal = operator.queue.last_seal()
    assert seal is not None and (seal.number, seal.count) == (1, 1)
    assert is_genuine(seal, operator.keys.get("audit"))


@requirement("KEY-02", "KEY-04")
def test_the_function_of_keys_turns_the_vaults_key_and_seals_users_keys_anew(
    host_package: Path, world: World, tmp_path: Path
) -> None:
    operator = Deployment(world.operator(world.neighbours.endpoint_url).settings)
    place = keyset_place("vault")

    def age(days: int) -> None:
        item = operator.store.read(place).get(place)
        assert item is not None
        older = tuple(replace(key, since=(key.since or key.created_at) - days * 86400) for key in item.keys)
        operator.put(place, replace(item, keys=older))

    with LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,), handler="app.keys") as keys:
        assert keys(SCHEDULED) == {"turned": [], "vault": "nothing_to_do"}
        age(365)
        assert keys(SCHEDULED) == {"turned": ["vault 2 published"], "vault": "nothing_to_do"}
        age(1)
        assert keys(SCHEDULED) == {"turned": ["vault 2 used"], "vault": "too_early"}
        age(1)
    with LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,), handler="app.keys") as keys:
        assert keys(SCHEDULED) == {"turned": [], "vault": "resealed"}
        assert keys(SCHEDULED) == {"turned": [], "vault": "clean"}
        assert keys(SCHEDULED) == {"turned": [], "vault": "nothing_to_do"}
    with LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,)) as api:
        world.sign_in(world.door(api)).run()


def test_without_settings_it_fails_so_that_lambda_counts_an_error(host_package: Path, tmp_path: Path) -> None:
    with LambdaFunction(host_package, tmp_path, environ={}, handler="app.jobs") as jobs:
        with pytest.raises(FunctionFailed, match="BROKER_ISSUER is missing"):
            jobs(SCHEDULED)
        assert "not_configured" in jobs.log.read_text()
