"""Faults at the one place where the broker speaks to AWS: the adapter's `call(operation, payload)`.

B   fails before it takes effect        A   takes effect, the answer is lost
C   the process dies after the effect   K   the process dies before it
D   takes effect after a delay          T   throttled
S   a stale answer, only for reads that are not marked strongly consistent
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, Pacing, Transport

Mode = Literal["B", "A", "C", "K", "D", "S", "T"]
READS = ("GetItem", "BatchGetItem", "Query", "Scan")
AT_ONCE = Pacing(sleep=lambda _: None, now=lambda: 0.0)  # nobody waits for a fault that the test itself has planted


class ProcessDied(BaseException):
    """The function was killed here; no handler of the broker may go on from this."""


class Fault(Struct, frozen=True, kw_only=True):
    """One fault. It strikes calls `first` to `first + times - 1` (counted from 0) of those that match `operation`."""

    mode: Mode
    operation: str = ""
    first: int = 0
    times: int = 1


class FaultyTransport:
    """A transport with faults in front of it; `calls` lists the operations that arrived here, repeats included.

    on_delay   what happens during a D, for instance the clock moving on
    """

    def __init__(self, inner: Transport, *faults: Fault, on_delay: Callable[[], None] = lambda: None) -> None:
        self._inner = inner
        self._faults = faults
        self._on_delay = on_delay
        self._matched = [0] * len(faults)
        self._earlier: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try, perhaps with a fault."""
        with self._lock:
            self.calls.append(operation)
            mode = self._strike(operation)
        if mode == "B":
            raise AwsUnreachable("ConnectTimeoutError")
        if mode == "K":
            raise ProcessDied
        if mode == "T":
            raise AwsRefusal("ProvisionedThroughputExceededException")
        if mode == "D":
            self._on_delay()
        try:
            return self._answer(operation, payload, stale=mode == "S")
        finally:  # a refusal is an answer too, and can be lost as well
            if mode == "A":
                raise AwsUnreachable("ReadTimeoutError")
            if mode == "C":
                raise ProcessDied

    def _strike(self, operation: str) -> Mode | None:
        for index, fault in enumerate(self._faults):
            if fault.operation in ("", operation):
                number, self._matched[index] = self._matched[index], self._matched[index] + 1
                if fault.first <= number < fault.first + fault.times:
                    return fault.mode
        return None

    def _answer(self, operation: str, payload: Mapping[str, Any], *, stale: bool) -> dict[str, Any]:
        if operation not in READS:
            return self._inner.call(operation, payload)
        place = json.dumps(payload, default=repr, sort_keys=True)
        if stale and not is_strong(payload):
            return self._earlier.get(place, {"Responses": {}, "Items": []} if operation != "GetItem" else {})
        answer = self._inner.call(operation, payload)
        self._earlier.setdefault(place, answer)
        return answer


class Past:
    """A table whose reads that are not strongly consistent go on saying what they said first; `weak` lists those."""

    def __init__(self, inner: Transport) -> None:
        self._inner, self._first = inner, dict[str, dict[str, Any]]()
        self.weak: list[str] = []

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        if operation not in READS or is_strong(payload):
            return dict(self._inner.call(operation, payload))
        self.weak.append(payload.get("IndexName", operation))
        asked = json.dumps(payload, sort_keys=True)
        if asked not in self._first:
            self._first[asked] = self._inner.call(operation, payload)
        return self._first[asked]


class LateIndex:
    """A table whose index does not show these keys yet; what is read itself is there."""

    def __init__(self, inner: Transport, *hidden: str) -> None:
        self._inner, self._hidden = inner, hidden

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        answer = dict(self._inner.call(operation, payload))
        if "IndexName" in payload:
            answer["Items"] = [item for item in answer["Items"] if item["pk"]["S"] not in self._hidden]
        return answer


class Before:
    """Something happens once, right before the first such call about this key."""

    def __init__(self, inner: Transport, operation: str, pk: str, act: Callable[[], object]) -> None:
        self._inner, self._operation, self._pk = inner, operation, pk
        self._act: Callable[[], object] | None = act

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        key = payload.get("Key") or payload.get("Item") or {}
        if self._act is not None and operation == self._operation and key["pk"]["S"] == self._pk:
            act, self._act = self._act, None
            act()
        return dict(self._inner.call(operation, payload))


def is_strong(payload: Mapping[str, Any]) -> bool:
    """Whether a read is marked strongly consistent; of a batch, every part of it."""
    tables = payload.get("RequestItems")
    if tables is None:
        return bool(payload.get("ConsistentRead"))
    return all(request.get("ConsistentRead") for request in tables.values())
