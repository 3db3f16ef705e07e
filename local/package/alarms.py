"""`python -m local.package.alarms` writes infra/alarms.json, alarms and dashboard, from infra/alarms.toml."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.package.dashboard import build_dashboard

ROOT = Path(__file__).resolve().parents[2]
SOURCE, TARGET = ROOT / "infra" / "alarms.toml", ROOT / "infra" / "alarms.json"
NAMESPACE = "TokenBroker/${Deployment}"
API = "${AWS::StackName}"
LOG_GROUPS = ("APIHandler", "Jobs", "Keys")
DIMENSIONS = {"AWS/Lambda": "FunctionName", "AWS/DynamoDB": "TableName", "AWS/ApiGateway": "ApiName"}
PARAMETERS = {
    "AlarmTopicArn": {
        "Type": "String",
        "Description": "An SNS topic that hears of each alarm; empty: the console alone shows them",
        "Default": "",
        "AllowedPattern": "^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+)?$",
    },
    "RunbooksAt": {
        "Type": "String",
        "Description": "Where this repository is read, with a slash at the end; each alarm links its page there",
        "Default": "",
        "AllowedPattern": "^(https://[^ ]+/)?$",
    },
}
CONDITIONS = {"HasAlarmTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}}
# Nothing at all is what a region without schedules has of them.
MISSING = {"schedules": {"Fn::If": ["RunsSchedules", "breaching", "notBreaching"]}, "nothing": "notBreaching"}
ACTIONS = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}


def build(alarms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The fragment of the template: an alarm each, a filter of each log for those of lines, and the dashboard."""
    resources = dict(_alarms(alarms))
    names = list(resources)
    for name, alarm in alarms.items():
        for group in LOG_GROUPS if "lines" in alarm else ():
            resources[f"{camel(name)}In{group}"] = _filter(name, alarm["lines"], group)
    resources["Dashboard"] = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"},  # of one account, whatever the region
            "DashboardBody": {"Fn::Sub": json.dumps(build_dashboard(NAMESPACE, API, names))},
        },
    }
    return {"Parameters": PARAMETERS, "Conditions": CONDITIONS, "Resources": resources}


def camel(name: str) -> str:
    """As the template names it."""
    return "".join(word.capitalize() for word in name.split("-"))


def _alarms(alarms: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """By their names in the template; an alarm of several metrics is as many, numbered."""
    for page, alarm in alarms.items():
        several = alarm["metric"] if isinstance(alarm.get("metric"), list) else [alarm.get("metric")]
        for number, metric in enumerate(several, 1):
            name = page if len(several) == 1 else f"{page}-{number}"
            measured = _measured(page, {**alarm, "metric": metric})
            yield (
                f"{camel(name)}Alarm",
                {"Type": "AWS::CloudWatch::Alarm", "Properties": _alarm(name, page, alarm, measured)},
            )


def _alarm(name: str, page: str, alarm: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    bound = "below" if "below" in alarm else "above"
    said = f"{alarm['says']} Runbook: ${{RunbooksAt}}docs/runbooks/{page}.md"
    return {
        "AlarmName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
        "AlarmDescription": {"Fn::Sub": said},
        **measured,
        "ComparisonOperator": "LessThanThreshold" if bound == "below" else "GreaterThanThreshold",
        "Threshold": alarm.get(bound, 0),
        "EvaluationPeriods": alarm.get("periods", 1),
        "TreatMissingData": MISSING[alarm.get("missing", "nothing")],
        "AlarmActions": ACTIONS,
        "OKActions": ACTIONS,
    }


def _measured(page: str, alarm: Mapping[str, Any]) -> dict[str, Any]:
    if "lines" in alarm:
        metric = {"Namespace": {"Fn::Sub": NAMESPACE}, "MetricName": f"Alarm{camel(page)}"}
        return {**metric, "Statistic": "Sum", "Period": 60}
    statistic = alarm.get("statistic", "Sum")
    key = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    return {**_metric(alarm["metric"], alarm), key: statistic, "Period": alarm["period"]}


def _metric(text: str, alarm: Mapping[str, Any]) -> dict[str, Any]:
    """`AWS/Lambda Errors`, `AWS/DynamoDB ReadThrottleEvents BrokerTable`, or one of the broker's metrics."""
    *namespace, name = text.split()[:2]
    if not namespace:
        split = {"Dimensions": [{"Name": "error", "Value": alarm["error"]}]} if "error" in alarm else {}
        return {"Namespace": {"Fn::Sub": NAMESPACE}, "MetricName": name, **split}
    whose = (*text.split()[2:], alarm.get("of"))[0]
    value = {"Ref": "AWS::StackName" if whose == "api" else whose}
    dimension = {"Name": DIMENSIONS[namespace[0]], "Value": value}
    return {"Namespace": namespace[0], "MetricName": name, "Dimensions": [dimension]}


def _filter(name: str, kinds: list[str], group: str) -> dict[str, Any]:
    either = " || ".join(f'($.kind = "{kind}")' for kind in kinds)
    counted = {"MetricNamespace": {"Fn::Sub": NAMESPACE}, "MetricName": f"Alarm{camel(name)}", "MetricValue": "1"}
    return {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": f"{group}LogGroup"},
            "FilterPattern": f'{{ ($.event = "alarm") && ({either}) }}',
            "MetricTransformations": [counted],
        },
    }


def main() -> int:
    """Write it."""
    built = build(tomllib.loads(SOURCE.read_text(encoding="utf-8")))
    TARGET.write_text(json.dumps(built, indent=2) + "\n", encoding="utf-8")
    print(TARGET.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
