"""A line for each request, and the metrics in it, as CloudWatch's Embedded Metric Format wants them."""

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from chalicelib.adapters.process.metrics import COUNTED
from chalicelib.routes.request_parsing import read_trace
from tests.http.metrics.busy import emitted, lines
from tests.kit.http.browser import request
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS
from tests.kit.http.tokens import start_session
from tests.kit.requirement import requirement

NAME = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": r"^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$"}
UNITS = ["Milliseconds", "Count"]
METRIC = {"type": "object", "required": ["Name"], "properties": {"Name": NAME, "Unit": {"enum": UNITS}}}
DIMENSIONS = {"type": "array", "maxItems": 30, "uniqueItems": True, "items": {**NAME, "maxLength": 250}}
DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "additionalProperties": False,
    "properties": {
        "Namespace": {**NAME, "pattern": "^[^:]"},
        "Dimensions": {"type": "array", "minItems": 1, "items": DIMENSIONS},
        "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": METRIC},
    },
}
# What "Specification: Embedded metric format" of the CloudWatch guide demands of the member, in JSON Schema.
EMF = {
    "type": "object",
    "required": ["Timestamp", "CloudWatchMetrics"],
    "additionalProperties": False,
    "properties": {
        "Timestamp": {"type": "integer", "minimum": 0},
        "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": DIRECTIVE},
    },
}
TRACE = "1-67891233-abcdef012345678912345678"


def requests(stack: Stack) -> list[dict[str, Any]]:
    return [line for line in lines(stack) if line["event"] == "request"]


@requirement("OPS-20")
def test_every_answer_has_one_line_that_says_what_came_of_it_and_every_line_whose_it_is(stack: Stack) -> None:
    session = start_session(stack)
    answer = session.refresh("tb_refresh_wrong")
    request(stack.netloc, "GET", "/jwks")
    *before, refused, traced = requests(stack)
    assert [line["start"] for line in requests(stack)] == ["cold"] + ["warm"] * (len(before) + 1)
    assert len({line["request_id"] for line in requests(stack)}) == len(before) + 2
    assert refused["request_id"] == answer.json["error_id"]
    told = ("route", "status", "outcome", "error", "reason")
    expected = ("POST /token", 400, "refused", "invalid_grant", "handle_malformed")
    assert tuple(refused[name] for name in told) == expected
    assert (traced["route"], traced["outcome"]) == ("GET /jwks", "answered")
    assert re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", traced["trace"])
    assert read_trace({"headers": {"x-amzn-trace-id": f"Self=1-x;Root={TRACE};Sampled=1"}}) == TRACE
    assert re.fullmatch(r"[0-9a-f-]{36}", traced["lambda_request_id"])
    assert all(line["milliseconds"] >= 0 and line["request_id"] for line in requests(stack))
    assert all(line["request_id"] for line in lines(stack))


@requirement("GEN-18", "OPS-20")
@pytest.mark.parametrize(
    "sent", ["Root=canary-7f", f"Root={TRACE}canary", f"canary{TRACE}", f"XRoot={TRACE}", "Root=", None]
)
def test_a_trace_is_read_by_its_form_alone(sent: str | None) -> None:
    """The real gateway keeps what a caller sends; the local one makes its own."""
    assert read_trace({"headers": {"X-Amzn-Trace-Id": sent}}) is None


@requirement("OPS-20")
def test_every_line_with_metrics_is_what_cloudwatch_reads(busy: Stack) -> None:
    counted = [line for line in lines(busy) if "_aws" in line]
    assert len(counted) >= 20
    for line in counted:
        jsonschema.validate(line["_aws"], EMF)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert all(isinstance(line[metric["Name"]], (int, float)) for metric in directive["Metrics"])
            assert all(line[name] for dimensions in directive["Dimensions"] for name in dimensions)
            assert directive["Namespace"] == "TokenBroker/broker"


@requirement("OPS-20")
def test_all_that_is_counted_is_counted_when_it_happens(busy: Stack) -> None:
    names = {name for name, _ in emitted(busy)}
    told = "Requests Latency SignIns HandOuts ProviderRefreshes LeaseWaits ReauthRequired KmsUnwraps JobsDue JobsLate"
    assert names == {*told.split(), "LimitsHit", "ColdStarts", *COUNTED.values()}
    total = {name: sum(line.get(name, 0) for line in lines(busy)) for name in names}
    assert (total["SignIns"], total["HandOuts"], total["Replays"], total["LimitsHit"]) == (2, 6, 1, 1)
    assert (total["ProviderRefreshes"], total["ProviderRefreshFailures"], total["ReauthRequired"]) == (1, 2, 1)
    assert (total["JobsDue"], total["JobsLate"], total["LeaseWaits"]) == (2, 1, 1)
    assert total["Requests"] == len(requests(busy))


@requirement("OPS-20", "GEN-18")
def test_metrics_are_split_by_words_of_ours_alone(busy: Stack) -> None:
    """A dimension that a stranger chooses would cost money without end, and tell whose request it was."""
    assert {name for _, split in emitted(busy) for name in split} == {"route", "outcome", "error"}
    assert all(len(split) < 2 for _, split in emitted(busy))
    routes = {line["route"] for line in requests(busy)}
    assert routes <= {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}
    assert {line["outcome"] for line in requests(busy)} == {"answered", "refused", "failed"}


@requirement("OPS-20")
def test_without_metrics_the_line_stays(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(metrics="off")
    request(stack.netloc, "GET", "/jwks")
    (line,) = requests(stack)
    assert line["outcome"] == "answered" and "_aws" not in line and "Latency" not in line


@requirement("OPS-20")
def test_the_line_of_a_refresh_is_small(stack: Stack) -> None:
    """docs/observing.md says what they cost: it is the bytes that CloudWatch is paid for."""
    session = start_session(stack)
    session.refresh()
    with_metrics = stack.log.getvalue().splitlines()[-1]
    line = json.loads(with_metrics)
    for name in ("_aws", "Requests", "Latency"):
        del line[name]
    assert len(with_metrics) < 700 and len(json.dumps(line, separators=(",", ":"))) < 350
