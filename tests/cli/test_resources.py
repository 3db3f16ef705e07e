"""broker resource update|delete: an API's scopes and lifetime change, and one that is in use stays."""

import argparse

import pytest

from cli.commands.resource import change_resource, find_resource
from cli.deployment.operations import Deployment, OperationError
from tests.kit.cli.operator import Operator, deployed
from tests.kit.requirement import requirement

API = "https://api.example"
UPDATE, DELETE = ("resource", "update", "--audience", API), ("resource", "delete", "--audience", API)


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture(autouse=True)
def registered(broker: Operator) -> None:
    broker("resource", "delete", "--audience", API)
    broker.made("resource", "create", "--audience", API, "--scope", "orders:read", "--lifetime", "300")


@requirement("OPS-35")
def test_scopes_and_lifetime_change_and_the_rest_stays(broker: Operator) -> None:
    before = broker.made("resource", "list")[-1]
    changed = broker.made(*UPDATE, "--scope", "orders:read orders:write")
    assert changed == {**before, "scope": "orders:read orders:write"}
    assert broker.made(*UPDATE, "--lifetime", "0") == {**changed, "token_seconds": None}
    assert broker.made(*UPDATE, "--scope", "")["scope"] == ""
    assert broker.made("resource", "list")[-1]["created_at"] == before["created_at"]


@requirement("OPS-35")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to change"),
        (("--scope", "github:repo"), "reserved"),
        (("--scope", "a\\b"), "--scope is invalid"),
        (("--lifetime", "29"), "between 30 and 86400"),
        (("--audience", "https://other.example", "--scope", "a"), "there is no resource"),
    ],
)
def test_an_update_obeys_the_rules_of_create(broker: Operator, words: tuple[str, ...], said: str) -> None:
    broker(*UPDATE, *words).refused(said)


@requirement("OPS-35")
@pytest.mark.parametrize("use", ["--resource", "--serves"])
def test_an_api_that_a_client_may_use_is_not_deleted(broker: Operator, use: str) -> None:
    client = broker.made(
        "client", "create", "--name", "Job", "--auth-method", "client_secret_basic", "--for-itself", use, API
    )
    broker(*DELETE).refused(client["client_id"], "may use")
    broker.made("client", "delete", client["client_id"])
    assert broker.made(*DELETE) == {"audience": API, "deleted": True}
    broker(*DELETE).refused("there is no resource")


@requirement("OPS-35")
def test_the_second_of_two_changes_at_once_is_refused(broker: Operator) -> None:
    here: Deployment = deployed(broker)
    read = find_resource(here, API)
    broker.made(*UPDATE, "--scope", "orders:write")
    with pytest.raises(OperationError, match="changed by another process"):
        change_resource(here, read, argparse.Namespace(scope="orders:delete", lifetime=None))
    assert find_resource(here, API).scopes == {"orders:write"}
