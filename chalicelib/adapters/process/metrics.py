"""Metrics as members of a log line, which CloudWatch extracts (Embedded Metric Format); no call is made.

Each combination of a metric and its dimensions costs money every month. So a dimension is a fixed word: a route, an
outcome, a registered error. No value from a client or a user is a dimension.
"""

from collections.abc import Mapping

# Counted automatically when a line with this name is written; all other code calls `count`.
COUNTED = {
    "refused": "Refusals",
    "replay_detected": "Replays",
    "refresh_failed": "ProviderRefreshFailures",
    "store_unavailable": "StoreUnavailable",
}
_BY_ROUTE = [[], ["route"], ["outcome"]]
_DIMENSIONS: dict[str, list[list[str]]] = {
    "Latency": _BY_ROUTE,
    "Requests": [[], ["outcome"]],
    "Refusals": [[], ["error"]],
}
_UNITS = {"Latency": "Milliseconds"}


def metric_members(namespace: str, now: int, values: Mapping[str, float]) -> dict[str, object]:
    """The members that turn a line into metrics: each value, and its description under `_aws`.

    now      epoch seconds
    values   by metric name; the line already contains the dimensions
    """
    plain: list[list[str]] = [[]]
    sets = [_DIMENSIONS.get(name, plain) for name in values]
    directives = [
        {
            "Namespace": namespace,
            "Dimensions": dimensions,
            "Metrics": [
                {"Name": name, "Unit": _UNITS.get(name, "Count")}
                for name, of_it in zip(values, sets, strict=True)
                if of_it == dimensions
            ],
        }
        for dimensions in (_BY_ROUTE, _DIMENSIONS["Requests"], _DIMENSIONS["Refusals"], plain)
        if dimensions in sets
    ]
    return {**values, "_aws": {"Timestamp": now * 1000, "CloudWatchMetrics": directives}}
