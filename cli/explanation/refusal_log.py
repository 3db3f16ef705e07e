"""Finds the log line of a refusal: in a file, the log of the local stack, or CloudWatch Logs."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.transport import Transport
from cli.deployment.aws import BotoTransport
from cli.deployment.operations import Deployment, OperationError

Line = Mapping[str, Any]
ERROR_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
MAX_LINE = 20_000
MAX_PAGES = 500
GROUPS = "/aws/lambda/token-broker"
HANDLER = "APIHandler"


def read_lines(text: Iterable[str], error_id: str) -> list[Line]:
    """The lines of this refusal, oldest first; all other lines are skipped."""
    return [line for line in map(parse_line, text) if line is not None and line.get("error_id") == error_id]


def find_in_file(name: str, error_id: str) -> list[Line]:
    """A file, or `-` for standard input. Raises OperationError."""
    return read_lines(read_text(name), error_id)


def read_text(name: str) -> Iterator[str]:
    """The lines of a file, or of standard input for `-`. Raises OperationError."""
    if name == "-":
        yield from sys.stdin
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as log:
            yield from log
    except OSError as error:
        raise OperationError(
            f"{name} cannot be read ({error.strerror})", "use --log FILE, or --log - for standard input"
        ) from None


def find_in_files(names: Iterable[str], error_id: str) -> list[Line]:
    """The existing files of a rotated log."""
    return [line for name in names if Path(name).exists() for line in find_in_file(name, error_id)]


def find_in_cloudwatch(
    deployment: Deployment, error_id: str, *, group: str | None, days: int, logs: Transport | None = None
) -> list[Line]:
    """Filtered by CloudWatch, with the operator's credentials. Raises OperationError, AwsRefusal, AwsUnreachable."""
    logs = logs or BotoTransport("logs", endpoint_url=deployment.settings.endpoint_url)
    asked = {
        "logGroupName": group or find_group(logs),
        "filterPattern": f'"{error_id}"',
        "startTime": int((time.time() - days * 86400) * 1000),
    }
    found: list[Line] = []
    for page in pages(logs, "FilterLogEvents", asked):
        found += read_lines((event["message"] for event in page.get("events", ())), error_id)
        if any(line.get("event") == "refused" for line in found):
            break
    return found


def find_group(logs: Transport, handler: str = HANDLER) -> str:
    """The log group of the API function, or of another function, if there is exactly one. Raises OperationError."""
    found = pages(logs, "DescribeLogGroups", {"logGroupNamePrefix": GROUPS})
    names = [group["logGroupName"] for page in found for group in page.get("logGroups", ())]
    names = [name for name in names if handler in name]
    if len(names) != 1:
        said = (
            "no log group of a broker exists" if not names else "several log groups exist: " + ", ".join(sorted(names))
        )
        raise OperationError(said, "name it with --log-group NAME")
    return str(names[0])


def pages(logs: Transport, operation: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All pages of a result. Raises AwsRefusal, AwsUnreachable."""
    token: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        page = logs.call(operation, {**asked, **token})
        yield page
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def parse_line(text: str) -> dict[str, Any] | None:
    """One JSON object, possibly after a prefix that a log viewer added."""
    start = text.find("{")
    if start < 0 or len(text) > MAX_LINE:
        return None
    try:
        line = json.loads(text[start:])
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
