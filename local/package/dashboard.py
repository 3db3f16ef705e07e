"""The dashboard: traffic, latency, errors and saturation first, then the broker's functions, then its jobs."""

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT = 8, 6
Row = list[Any]


def build_dashboard(namespace: str, api: str, alarms: Sequence[str]) -> dict[str, Any]:
    """The body; `${...}` in it are the template's names.

    alarms   their names in the template
    """
    shown = [
        _alarms(alarms),
        *_golden(namespace, api),
        _graph("Sign-ins and hand-outs", [[namespace, name] for name in ("SignIns", "HandOuts")]),
        _graph(
            "Refreshes at providers",
            [
                [namespace, name]
                for name in ("ProviderRefreshes", "ProviderRefreshFailures", "LeaseWaits", "ReauthRequired")
            ],
        ),
        _graph("Attacks and limits", [[namespace, name] for name in ("Replays", "LimitsHit")]),
        _graph("Duties", [[namespace, name] for name in ("JobsDue", "JobsLate")]),
        _graph("Table and keys", [[namespace, name] for name in ("StoreUnavailable", "KmsUnwraps", "ColdStarts")]),
        _last_lines(),
    ]
    return {"widgets": [_place(number, widget) for number, widget in enumerate(shown)]}


def _golden(namespace: str, api: str) -> list[dict[str, Any]]:
    latency = [[namespace, "Latency", {"stat": stat, "label": stat}] for stat in ("p50", "p95", "p99")]
    by_route = f"SEARCH('{{{namespace},route}} MetricName=\"Latency\"', 'p95', 300)"
    by_error = f"SEARCH('{{{namespace},error}} MetricName=\"Refusals\"', 'Sum', 300)"
    used = [["AWS/Lambda", "ConcurrentExecutions", "FunctionName", "${APIHandler}", {"stat": "Maximum"}]]
    refused = [["AWS/Lambda", "Throttles", "FunctionName", name] for name in ("${APIHandler}", "${Jobs}")]
    tables = [
        ["AWS/DynamoDB", metric, "TableName", "${BrokerTable}"]
        for metric in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "WriteThrottleEvents")
    ]
    outcomes: list[Row] = [[namespace, "Requests", "outcome", outcome] for outcome in ("answered", "refused", "failed")]
    failed: list[Row] = [
        ["AWS/ApiGateway", "5XXError", "ApiName", api],
        *(["AWS/Lambda", "Errors", "FunctionName", name] for name in ("${APIHandler}", "${Jobs}", "${Keys}")),
    ]
    return [
        _graph("Traffic: requests by outcome", outcomes),
        _graph("Latency within the broker, ms", latency),
        _graph("Errors: failures", failed),
        _graph("Saturation: functions", [*used, *refused]),
        _graph("Saturation: table", tables),
        _graph("Latency by route, p95, ms", [[{"expression": by_route}]]),
        _graph("Errors: refusals by code", [[{"expression": by_error}]]),
    ]


def _graph(title: str, metrics: list[Row]) -> dict[str, Any]:
    told = {"title": title, "region": "${AWS::Region}", "stat": "Sum", "period": 300, "metrics": metrics}
    return {"type": "metric", "properties": told}


def _alarms(names: Sequence[str]) -> dict[str, Any]:
    listed = [f"${{{name}.Arn}}" for name in names]
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": listed}}


def _last_lines() -> dict[str, Any]:
    query = (
        "SOURCE '/aws/lambda/${APIHandler}' | fields @timestamp, route, error, reason, client_id, request_id "
        '| filter event = "request" and outcome != "answered" | sort @timestamp desc | limit 50'
    )
    told = {"title": "Last refusals and failures", "region": "${AWS::Region}", "view": "table", "query": query}
    return {"type": "log", "properties": told}


def _place(number: int, widget: dict[str, Any]) -> dict[str, Any]:
    column, row = number % 3, number // 3
    return {**widget, "x": column * WIDTH, "y": row * HEIGHT, "width": WIDTH, "height": HEIGHT}
