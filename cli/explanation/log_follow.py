"""Follows a log: files that grow and rotate, or CloudWatch Logs by polling."""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, Transport
from cli.explanation.refusal_log import Line, pages, parse_line

FILE_SECONDS, CLOUDWATCH_SECONDS = 0.3, 2.0
LATE_SECONDS = 15  # a line may be found that long after it was written
KEPT_IDS = 20_000
BUSY = ("ThrottlingException", "LimitExceededException", "ServiceUnavailableException")


def follow_file(
    path: Path, *, older: Sequence[Path] = (), on: bool = True, pause: Callable[[float], None] = time.sleep
) -> Iterator[Line]:
    """Yield the existing lines, then new ones, across rotations. Ends when the file is gone.

    older   rotated files, oldest first
    on      False: only the existing lines
    """
    for each in older:
        if each.exists():
            with each.open(encoding="utf-8", errors="replace") as stream:
                yield from _lines(stream)
    while path.exists():
        with path.open(encoding="utf-8", errors="replace") as stream:
            yield from _lines(stream)
            while on and _is_same(path, stream):
                pause(FILE_SECONDS)
                yield from _lines(stream)
            yield from _lines(stream)  # what came just before it was exchanged
        if not on:
            return


def follow_cloudwatch(
    logs: Transport,
    group: str,
    *,
    since: float,
    pattern: str = "",
    on: bool = True,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """Each line once, ordered by time. Each poll of CloudWatch overlaps the one before.

    since     epoch seconds
    pattern   a filter that CloudWatch applies; empty: none

    Raises AwsRefusal, AwsUnreachable, but not if CloudWatch is only throttling.
    """
    seen = OrderedDict[str, None]()
    newest = int(since * 1000)
    start = newest
    while True:
        asked: dict[str, Any] = {"logGroupName": group, "startTime": start}
        try:
            for page in pages(logs, "FilterLogEvents", asked | ({"filterPattern": pattern} if pattern else {})):
                for event in page.get("events", ()):
                    newest = max(newest, event["timestamp"])
                    line = None if (name := _name(event)) in seen else parse_line(event["message"])
                    seen[name] = None
                    if line is not None:
                        yield line
        except AwsRefusal as refusal:
            if refusal.code not in BUSY or not on:
                raise
        except AwsUnreachable:
            if not on:
                raise
        while len(seen) > KEPT_IDS:
            seen.popitem(last=False)
        if not on:
            return
        start = max(start, newest - LATE_SECONDS * 1000)
        pause(CLOUDWATCH_SECONDS)


def _name(event: Mapping[str, Any]) -> str:
    """CloudWatch's event id; simulated AWS may give none."""
    return str(event.get("eventId") or [event.get("logStreamName"), event["timestamp"], event["message"]])


def _lines(stream: IO[str]) -> Iterator[Line]:
    """Complete lines; an incomplete one is left for the next read."""
    while True:
        place = stream.tell()
        text = stream.readline()
        if not text.endswith("\n"):
            stream.seek(place)
            return
        line = parse_line(text)
        if line is not None:
            yield line


def _is_same(path: Path, stream: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
