"""Structured lines on standard output, redacted in one function (GEN-18)."""

import re
import string
import sys
import threading
import time
from typing import TextIO

import msgspec

from chalicelib.adapters.process.metrics import COUNTED, metric_members
from chalicelib.ports import Clock

SECRET_NAMES = re.compile(
    r"authorization|dpop|cookie|^code$|verifier|token$|secret|assertion|^state$|user_code|password|^request$",
    re.IGNORECASE | re.ASCII,
)
SECRET_VALUES = re.compile(
    r"tb_(?:code|refresh|device|bff|register|manage)_[\w-]+|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|\b[0-9a-f]{64}\b",
    re.ASCII,
)
REDACTED = "[redacted]"
MAX_SEARCHED, MAX_TEXT = 2048, 500
_OF_TOKENS = string.ascii_letters + string.digits + "_-."


def redact(name: str, value: object) -> object:
    """A field in the form that may be logged: secret names are removed, strings that look like the broker's tokens
    replaced."""
    if SECRET_NAMES.search(name):
        return REDACTED
    if isinstance(value, str):
        return SECRET_VALUES.sub(REDACTED, _bound(value))[:MAX_TEXT]
    if isinstance(value, (list, tuple, frozenset)):
        return [redact(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): redact(str(key), item) for key, item in value.items()}
    return value


def _bound(text: str) -> str:
    """The part that is searched for secrets, without a cut token at its end that the search would miss."""
    return text if len(text) <= MAX_SEARCHED else text[:MAX_SEARCHED].rstrip(_OF_TOKENS)


class _Current(threading.local):
    """The request of this thread; each thread serves one request at a time.

    known     members of each of its lines
    counted   values by metric name
    why       client, error and reason from its lines, for the final line
    """

    def __init__(self) -> None:
        self.known: dict[str, object] = {}
        self.counted: dict[str, float] = {}
        self.why: dict[str, object] = {}
        self.began = 0.0
        self.start = "warm"


class JsonLog:
    """Writes one JSON object per line.

    namespace   of the metrics; None: no metrics
    """

    def __init__(self, clock: Clock, *, stream: TextIO | None = None, namespace: str | None = None) -> None:
        self._clock = clock
        self._stream = stream
        self._namespace = namespace
        self._current = _Current()
        self._is_cold = True

    def begin(self, **known: str) -> None:
        """A request begins in this thread."""
        current = self._current
        current.known, current.counted, current.why = dict(known), {}, {}
        current.start, self._is_cold = "cold" if self._is_cold else "warm", False
        current.began = time.perf_counter()

    def event(self, name: str, **fields: object) -> None:
        """Write one line."""
        if name in COUNTED:
            self.count(COUNTED[name])
        evidence = fields.get("evidence")
        for member, value in (*fields.items(), *(evidence.items() if isinstance(evidence, dict) else ())):
            if member == "client_id" or (name == "refused" and member in ("error", "reason")):
                self._current.why[member] = value
        self._write({"event": name, **self._current.known, **fields})

    def count(self, metric: str) -> None:
        """Add one to a metric."""
        counted = self._current.counted
        counted[metric] = counted.get(metric, 0) + 1

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """Write the final line of a request, with everything counted since it began."""
        current = self._current
        milliseconds = round((time.perf_counter() - current.began) * 1000, 1)
        refused = "error" in current.why or status >= 400
        outcome = "failed" if status >= 500 else "refused" if refused else "answered"
        told = {key: value for key, value in fields.items() if value is not None}
        line = {"event": name, **current.known, **told, "status": status, "outcome": outcome, **current.why}
        counted = {"Requests": 1, "Latency": milliseconds, **current.counted}
        if current.start == "cold":
            counted["ColdStarts"] = 1
        if status == 429:
            counted["LimitsHit"] = 1
        self._write({**line, "milliseconds": milliseconds, "start": current.start}, counted)
        current.known, current.counted, current.why = {}, {}, {}

    def summarize(self, name: str, **fields: object) -> None:
        """Write the line of a run that no request started, if there is anything to report."""
        counted = self._current.counted
        if counted or any(fields.values()):
            self._write({"event": name, **self._current.known, **fields}, counted)
        self._current.known, self._current.counted = {}, {}

    def _write(self, fields: dict[str, object], counted: dict[str, float] | None = None) -> None:
        now = self._clock.now()
        line = {"at": now, **{key: redact(key, value) for key, value in fields.items()}}
        if counted and self._namespace:
            line |= metric_members(self._namespace, now, counted)
        stream = self._stream or sys.stdout
        stream.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
        stream.flush()
