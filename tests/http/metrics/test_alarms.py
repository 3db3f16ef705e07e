"""Every alarm and graph is of something that happens, and every alarm has its page."""

import json
import re
import shlex
import tomllib
from typing import Any

import pytest

from cli.main import build_parser
from local.package.alarms import LOG_GROUPS, NAMESPACE, ROOT, SOURCE, TARGET, build, camel
from tests.http.metrics.busy import emitted, lines
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

ALARMS = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
BUILT = build(ALARMS)
RESOURCES = BUILT["Resources"]
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "runbooks").glob("*.md")}
PARTS = ["Check", "Mitigate", "Fix", "Confirm"]
CODE = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "chalicelib").rglob("*.py")))
DASHBOARD = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]


@requirement("OPS-22")
def test_the_template_is_written_from_the_list() -> None:
    assert json.loads(TARGET.read_text(encoding="utf-8")) == BUILT, "python -m local.package.alarms"


@requirement("OPS-22")
def test_each_alarm_has_a_page_and_each_page_an_alarm() -> None:
    assert PAGES.keys() - {"README"} == ALARMS.keys()
    assert re.findall(r"^- \[([a-z-]+)\]\(\1\.md\): (.+)$", PAGES["README"], re.MULTILINE) == [
        (name, alarm["says"]) for name, alarm in ALARMS.items()
    ]
    said = {properties["AlarmDescription"]["Fn::Sub"] for properties in alarms().values()}
    expected = {f"{each['says']} Runbook: ${{RunbooksAt}}docs/runbooks/{name}.md" for name, each in ALARMS.items()}
    assert said == expected and len(alarms()) == len(ALARMS) + 3


@requirement("OPS-22")
@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_page_says_what_happened_and_its_impact_and_starts_with_commands(name: str) -> None:
    page = PAGES[name]
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == PARTS
    before, check = page.split("## Check\n")
    assert "**What happened.** " in before and "**Impact.** " in before
    (commands,) = re.findall(r"\A\n```sh\n(.+?)\n```\n", check, re.DOTALL)
    for command in commands.splitlines():
        assert build_parser().parse_args(shlex.split(command.removeprefix("python3 dev.py broker ")))


@requirement("OPS-22")
def test_a_page_asks_for_reasons_and_kinds_that_there_are() -> None:
    asked = set(re.findall(r"--reason (\S+)", "".join(PAGES.values())))
    assert asked and not {word for word in asked if f'"{word}"' not in CODE}


def alarms() -> dict[str, dict[str, Any]]:
    """Properties by the name in the template."""
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}


@requirement("OPS-22")
def test_what_an_alarm_or_graph_is_of_is_written_by_a_broker_that_works(busy: Stack) -> None:
    """By real requests; a metric of lines is what their filter finds in the log."""
    seen = emitted(busy)
    counted = {name for name, _ in seen}
    filtered = {f"Alarm{camel(name)}" for name, alarm in ALARMS.items() if "lines" in alarm}
    for name, metric in alarms().items():
        if metric["Namespace"] == {"Fn::Sub": NAMESPACE}:
            split = frozenset(one["Name"] for one in metric.get("Dimensions", ()))
            assert (metric["MetricName"], split) in seen or metric["MetricName"] in filtered, name
    graphs = [widget["properties"] for widget in json.loads(DASHBOARD)["widgets"] if widget["type"] == "metric"]
    for graph in graphs:
        for row in graph["metrics"]:
            if row[0] == NAMESPACE:
                split = frozenset(word for word in row[2:3] if isinstance(word, str))
                assert (row[1], split) in seen, row
            elif isinstance(row[0], dict):
                split, name = re.findall(
                    rf"\{{{re.escape(NAMESPACE)},(\w+)\}} MetricName=\"(\w+)\"", row[0]["expression"]
                )[0]
                assert (name, frozenset({split})) in seen
    assert counted - set(re.findall(r"[A-Z]\w+", DASHBOARD)) == set(), "each metric has a place on the dashboard"


@requirement("OPS-22")
def test_every_kind_of_alarm_that_the_code_writes_is_heard(busy: Stack) -> None:
    heard = {kind for alarm in ALARMS.values() for kind in alarm.get("lines", ())}
    written = set(re.findall(r'event\(\s*"alarm",\s*kind="(\w+)"', CODE)) | {"recovery_not_stored"}
    given_up = {f"{kind}_given_up" for kind in ("erase", "time_up")}
    assert heard == written | given_up
    kinds = [line["kind"] for line in lines(busy) if line["event"] == "alarm"]
    assert kinds == ["handout_limit"]
    for group in LOG_GROUPS:
        pattern = RESOURCES[f"HandoutLimitIn{group}"]["Properties"]["FilterPattern"]
        assert pattern == '{ ($.event = "alarm") && (($.kind = "handout_limit")) }'


@requirement("OPS-22")
def test_alarms_go_to_the_topic_that_is_named() -> None:
    assert BUILT["Parameters"]["AlarmTopicArn"]["Default"] == ""
    for name, properties in alarms().items():
        assert properties["AlarmActions"]["Fn::If"][:2] == ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}]]
        of_schedules = {"Fn::If": ["RunsSchedules", "breaching", "notBreaching"]}
        assert properties["TreatMissingData"] == (of_schedules if name == "JobsSilentAlarm" else "notBreaching")


@requirement("OPS-22")
def test_the_names_of_the_template_are_those_of_the_code() -> None:
    assert NAMESPACE == "TokenBroker/${Deployment}" and 'f"TokenBroker/{settings.deployment}"' in CODE
    api = json.loads((ROOT / "infra" / "deployment.json").read_text(encoding="utf-8"))["Resources"]["RestAPI"][
        "Properties"
    ]
    assert api["Name"] == api["DefinitionBody"]["info"]["title"] == {"Ref": "AWS::StackName"}
    assert re.search(r'"ApiName",\s*"\$\{AWS::StackName\}"', DASHBOARD)
    (of_api,) = RESOURCES["AnswersFailAlarm"]["Properties"]["Dimensions"]
    assert of_api == {"Name": "ApiName", "Value": {"Ref": "AWS::StackName"}}
