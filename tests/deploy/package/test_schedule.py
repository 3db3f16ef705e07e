"""The scheduled function of the real package, under AWS's runtime client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.records.item_keys import connection_item_key, keyset_item_key
from cli.deployment.operations import Deployment
from tests.deploy.package.function import LambdaFunction
from tests.deploy.package.runtime_api import FunctionFailed
from tests.deploy.package.world import NETWORK, SCHEDULED, World, leave_a_duty
from tests.kit.requirement import requirement


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
    place = connection_item_key(leave_a_duty(operator).connection_id)
    jobs = LambdaFunction(host_package, tmp_path, environ=world.environ, path=(NETWORK,), handler="app.jobs")
    with jobs:
        assert jobs(SCHEDULED) == {"done": 1, "later": 0, "given_up": 0, "idle": 0}
        assert jobs(SCHEDULED) == {"done": 0, "later": 0, "given_up": 0, "idle": 0}
    tombstone = operator.store.read(place).get(place)
    assert tombstone is not None and set(tombstone.endings.values()) == {"revoked"}


@requirement("KEY-02", "KEY-04")
def test_the_function_of_keys_turns_the_vaults_key_and_seals_users_keys_anew(
    host_package: Path, world: World, tmp_path: Path
) -> None:
    operator = Deployment(world.operator(world.neighbours.endpoint_url).settings)
    place = keyset_item_key("vault")

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
