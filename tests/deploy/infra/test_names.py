"""Two deployments in one account and region: what belongs to one has its name, and nothing of it the other's."""

import json
import re
from typing import Any

import pytest

from local.package.template import build_template
from tests.deploy.rehearsal.settled import settle
from tests.kit.requirement import requirement

OWN_NAMES = {"TableName", "AliasName", "AlarmName", "DashboardName", "Name", "DomainName", "RoleName", "FunctionName"}
NAMED = {"AWS::DynamoDB::Table", "AWS::KMS::Alias", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard",
         "AWS::Serverless::Api", "AWS::ApiGateway::DomainName", "AWS::Route53::RecordSet"}  # fmt: skip


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return build_template("./token-broker.zip", arch="arm64")


def resources(template: dict[str, Any], deployment: str, stack: str) -> dict[str, Any]:
    given = {
        "Deployment": deployment,
        "AWS::StackName": stack,
        "AWS::Region": "eu-central-1",
        "AWS::Partition": "aws",
        "AWS::AccountId": "123456789012",
        "DomainName": f"{stack}.example.com",
    }
    found: dict[str, Any] = settle(template, {**given, "HostedZoneId": "Z0123456789"})["Resources"]
    return found


def named(resources: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Names that no two resources of an account and region may share, by type; the others are made up by AWS."""
    return {
        (one["Type"], name): one["Type"]
        for one in resources.values()
        for property_, name in one["Properties"].items()
        if property_ in OWN_NAMES and isinstance(name, str)
    }


@requirement("OPS-33")
def test_no_name_of_one_deployment_is_the_others(template: dict[str, Any]) -> None:
    first, second = (named(resources(template, *names)) for names in (("broker", "token-broker"), ("two", "second")))
    assert set(first.values()) == set(second.values()) == NAMED and not first.keys() & second.keys()


@requirement("OPS-34")
def test_a_dashboard_is_an_accounts_so_it_has_its_regions_name(template: dict[str, Any]) -> None:
    """Two regions may have stacks of one name."""
    assert template["Resources"]["Dashboard"]["Properties"]["DashboardName"] == {
        "Fn::Sub": "${AWS::StackName}-${AWS::Region}"
    }


@requirement("OPS-33")
def test_the_second_one_reads_writes_and_counts_under_its_own_name_alone(template: dict[str, Any]) -> None:
    """Settings, rights, conditions of the key, metrics, logs: all that says whose something is."""
    second = resources(template, "two", "second")
    del second["RestAPI"]
    text = json.dumps(second)
    assert not re.findall(r'"[^" ]*/broker[^" ]*"|"broker[^" ]*"|[^" ]*/token-broker-[^" ]*', text)
    for function in ("APIHandler", "Jobs", "Keys"):
        variables = second[function]["Properties"]["Environment"]["Variables"]
        assert {name: variables[f"BROKER_{name}"] for name in ("DEPLOYMENT", "TABLE", "KEYS_TABLE", "KMS_KEY")} == {
            "DEPLOYMENT": "two", "TABLE": "two", "KEYS_TABLE": "two-keys", "KMS_KEY": "alias/two",
        }  # fmt: skip
    arns = set(re.findall(r"arn:aws:(?:dynamodb|logs):[^\"]+", text))
    assert {arn.rpartition(":table/")[2].partition("/")[0] for arn in arns if ":dynamodb:" in arn} == {
        "two",
        "two-keys",
    }
    assert {arn.partition("/aws/lambda/")[2] for arn in arns if ":logs:" in arn and "lambda" in arn} == {
        "second-*:*", "second-*",
    }  # fmt: skip


@requirement("OPS-33")
@pytest.mark.parametrize("name", ["x", "Two", "two-keys", "-two", "two.a"])
def test_a_name_that_could_be_anothers_or_no_name_at_all_is_refused(template: dict[str, Any], name: str) -> None:
    """The users' keys of a deployment stand in a table of its name with `-keys` behind it."""
    pattern = template["Parameters"]["Deployment"]["AllowedPattern"]
    assert re.search(pattern, "broker") and re.search(pattern, "two_2") and not re.search(pattern, name)


@requirement("OPS-34")
def test_one_parameter_switches_every_schedule_off_and_the_alarm_of_their_silence(template: dict[str, Any]) -> None:
    schedules = [
        event["Properties"]
        for one in template["Resources"].values()
        for event in one["Properties"].get("Events", {}).values()
    ]
    assert len(schedules) == 2 and all(schedule["State"] == {"Ref": "Schedules"} for schedule in schedules)
    said = template["Parameters"]["Schedules"]
    assert (said["Default"], said["AllowedPattern"]) == ("ENABLED", "^(ENABLED|DISABLED)$")
    assert template["Conditions"]["RunsSchedules"] == {"Fn::Equals": [{"Ref": "Schedules"}, "ENABLED"]}
    missing = {
        name: one["Properties"]["TreatMissingData"]
        for name, one in template["Resources"].items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    silent = missing.pop("JobsSilentAlarm")
    assert silent == {"Fn::If": ["RunsSchedules", "breaching", "notBreaching"]}
    assert set(missing.values()) == {"notBreaching"}
