"""Audit records in the table, and the faults that verification finds in them."""

import io
import time
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.audit.window_seals import seal_windows
from chalicelib.composition import build_broker
from chalicelib.ports import Broker
from chalicelib.records.audit import AuditEvent
from chalicelib.records.seal import SETTLE_SECONDS, SHARDS, WINDOW_SECONDS, AuditSeal, window_of
from cli.deployment.operations import Deployment
from tests.kit.cli.operator import Done
from tests.kit.http.stack import MovableClock

WINDOWS = 5
TOKEN_ID = "a" * 64


class Records:
    """Three hand-outs in each of five windows, and one that has not settled; raw hands on the table."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.log, self.clock = io.StringIO(), MovableClock()
        self.now, self.left = int(time.time()), 0
        self.base = window_of(self.now - SETTLE_SECONDS) - WINDOWS * WINDOW_SECONDS
        for window in range(WINDOWS):
            for number in range(3):
                self.leave(self.at(window) + 100 * number)
        self.leave(self.now)

    def at(self, window: int) -> int:
        return self.base + window * WINDOW_SECONDS

    def leave(self, at: int, **fields: Any) -> AuditEvent:
        """The first byte of the id says which shard of the index has it; here one after the other."""
        request_id = f"{self.left % SHARDS:02x}{self.deployment.entropy.token_bytes(11).hex()}"
        self.left += 1
        event = AuditEvent(
            event="handout", at=at, request_id=request_id, sub=f"user{at % 2}",
            client_id="app", provider_id="demo", connection_id="c", grant_id="g", scopes=frozenset({"b", "a"}),
            token_id=TOKEN_ID,
        )  # fmt: skip
        event = msgspec.structs.replace(event, **fields)
        self.deployment.store.append_audit(event)
        return event

    def broker(self, now: int, **parts: Any) -> Broker:
        """The one that seals, at this time."""
        self.clock.time = now
        parts = {"dynamodb": self.deployment.dynamodb, "kms": self.deployment.kms, **parts}
        return build_broker(self.deployment.settings, clock=self.clock, log_stream=self.log, **parts)

    def seal(self) -> list[AuditSeal]:
        """From the first window, as it was due, to now."""
        begun = seal_windows(self.broker(self.at(1) + SETTLE_SECONDS))
        return begun + seal_windows(self.broker(self.now))

    def items(self, pk: str) -> list[dict[str, Any]]:
        found = self.call("Scan")["Items"]
        return sorted((one for one in found if one["pk"]["S"].startswith(pk)), key=lambda one: str(one["sk"]["S"]))

    def of_window(self, window: int) -> list[dict[str, Any]]:
        first = self.at(window)
        items = self.items("AUDIT#")
        return [one for one in items if first <= int(one["sk"]["S"][:12]) < first + WINDOW_SECONDS]

    def link(self, window: int) -> dict[str, Any]:
        return next(one for one in self.items(CHAIN) if int(one["sk"]["S"]) == self.at(window))

    def put(self, item: dict[str, Any], **changed: dict[str, Any]) -> None:
        self.call("PutItem", Item={**item, **changed})

    def remove(self, *items: dict[str, Any]) -> None:
        for item in items:
            self.call("DeleteItem", Key={"pk": item["pk"], "sk": item["sk"]})

    def call(self, operation: str, **payload: Any) -> dict[str, Any]:
        asked = {"TableName": self.deployment.settings.table, **payload}
        return self.deployment.dynamodb.call(operation, asked)


def faults(done: Done) -> list[tuple[str, str]]:
    """What the command found: window, fault."""
    assert done.code == 1, done.out
    return [(one["window"], one["fault"]) for one in done.json["findings"]]


def when(records: Records, window: int | None) -> str | None:
    return None if window is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(records.at(window)))
