"""Metrics as members of a line of the log, which CloudWatch reads out of it (Embedded Metric Format); no call is made.

Each combination of a metric and its dimensions costs money by the month, so a dimension is a word of ours: a route, an
outcome, a registered error. Nothing that a client or a user brings is one.
"""

from collections.abc import Mapping

# What is counted by itself when a line of this name is written; everything else calls `count`.
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
    """The members that make a line metrics: each value, and under `_aws` how they are to be read.

    now      epoch seconds
    values   by the metric's name; the line has the dimensions that they are split by already
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
