"""A deployment as it should be has nothing to be found; each fault that is planted in it is found by its check."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cli.deployment.aws import BotoTransport
from cli.doctor.checks import Report, examine
from cli.doctor.deployment import GROUPS
from cli.doctor.deployment.tables import EXPIRY, INDEX, INDEX_KEYS, KEYS
from cli.doctor.deployment.visit import Here
from local.package.package import ROOT
from local.stack.aws import start_aws
from tests.cli.doctor.planted import FAULTS
from tests.cli.doctor.world import ISSUER, RESOURCES, SECRET, World
from tests.kit.requirement import requirement

CHECKS = [check for group in GROUPS for check in group.checks]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    aws = start_aws()
    yield World(aws.endpoint_url, tmp_path_factory.mktemp("providers"))
    aws.stop()


def names(report: Report) -> set[str]:
    return {finding.check.name for finding in report.findings}


class Ahead:
    """A clock that is wrong."""

    def now(self) -> int:
        return Here({"BROKER_ISSUER": ISSUER}).deployment.clock.now() + 300


@requirement("DIAG-03")
def test_a_deployment_as_the_repository_makes_it_has_nothing_to_be_found(world: World) -> None:
    report = world.visit()
    assert not report.findings, report.findings
    assert (report.score, report.skipped, len(report.passed)) == (100, {}, len(CHECKS))


@requirement("DIAG-03")
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_by_its_check(world: World, name: str) -> None:
    plant, expected = FAULTS[name]
    planted = plant(world)
    try:
        report = world.visit(**(next(planted) or {}))
    finally:
        list(planted)
    assert names(report) == expected
    (mine, *_) = [finding for finding in report.findings if finding.check.name == name]
    assert mine.fix and SECRET not in str(report)


@requirement("DIAG-03")
def test_every_check_has_a_fault_that_it_finds() -> None:
    assert {check.name for check in CHECKS} - FAULTS.keys() == {"clock-right"}


@requirement("DIAG-03")
def test_a_function_that_cannot_start_is_found(world: World) -> None:
    before = world.lambda_.get_function_configuration(FunctionName="app-jobs")["Environment"]
    broken = {"Variables": {**before["Variables"], "BROKER_EPOCH": "x"}}
    world.lambda_.update_function_configuration(FunctionName="app-jobs", Environment=broken)
    try:
        (found,) = world.visit().findings
    finally:
        world.lambda_.update_function_configuration(FunctionName="app-jobs", Environment=before)
    assert found.check.name == "functions-settings" and "BROKER_EPOCH" in found.found


@requirement("DIAG-03")
def test_a_clock_that_is_wrong_is_found(world: World) -> None:
    here = Here(world.environ)
    here.deployment.clock = Ahead()  # type: ignore[assignment]
    assert "clock-right" in names(examine("here", GROUPS, here))


@requirement("DIAG-03")
def test_the_tables_are_held_against_what_the_template_makes() -> None:
    table = RESOURCES["BrokerTable"]["Properties"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == KEYS
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == INDEX_KEYS
    assert (index["IndexName"], table["TimeToLiveSpecification"]["AttributeName"]) == (INDEX, EXPIRY)


@requirement("DIAG-04")
def test_nothing_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives at AWS only reads, and infra/doctor-policy.json allows exactly that."""
    called: set[str] = set()
    stock = BotoTransport.call

    def call(self: BotoTransport, operation: str, payload: Any) -> Any:
        called.add(f"{self._service}:{operation}")
        return stock(self, operation, payload)

    monkeypatch.setattr(BotoTransport, "call", call)
    world.visit()
    assert all(re.match(r"\w+:(?:Describe|List|Get|BatchGet|Query|Scan|Decrypt)", name) for name in called), called
    policy = json.loads((ROOT / "infra" / "doctor-policy.json").read_text())
    assert {action for statement in policy["Statement"] for action in statement["Action"]} == called
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
