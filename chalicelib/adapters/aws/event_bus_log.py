"""A log of whose lines a few are told to an EventBridge bus too: what a team wants to act on, not every request.

They are sent when the request has been decided, all of one request in one call; where that fails the answer is the
same, and a line says how many were lost. docs/events.schema.json says what each holds.
"""

import threading
from typing import Any

import msgspec

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, Transport
from chalicelib.adapters.process.log import JsonLog, redact
from chalicelib.ports import Clock

SOURCE, SCHEMA = "token-broker", 1
AT_ONCE = 10  # entries that EventBridge takes in one call
MOST_KEPT = 100  # of a run of the schedule, which may find many
# A line's name -> the event's, and what of the line it holds; nothing else of a line ever leaves.
EVENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "reauth_required": ("connection.reauth_required", ("connection_id", "provider_id", "client_id", "sub", "reason")),
    "reauth_by": ("connection.reauth_by", ("connection_id", "provider_id", "client_id", "sub", "reauth_by")),
    "connection_ended": ("connection.ended", ("connection_id", "result", "by")),
    "access_ended": ("access.ended", ("client_id", "connections", "by")),
    "access_voided": ("access.voided", ("kind", "client_id", "provider_id", "sub", "by")),
    "grant_revoked": ("grant.revoked", ("grant_id", "client_id", "sub", "by")),
    "replay_detected": ("replay.detected", ("grant_id", "client_id", "reason")),
    "key_turned": ("key.rotated", ("purpose", "version", "done")),
    "alarm": ("alarm.raised", ("kind", "client_id", "provider_id", "connection_id", "sub")),
}


class EventBusLog(JsonLog):
    """One bus; what is told in no request or run is only written.

    bus     its name or ARN
    whose   members of each event: the issuer and the deployment
    """

    def __init__(self, clock: Clock, *, bus: str, events: Transport, whose: dict[str, str], **rest: Any) -> None:
        super().__init__(clock, **rest)
        self._bus, self._events, self._whose = bus, events, whose
        self._kept = threading.local()

    def begin(self, **known: str) -> None:
        """A request begins in this thread."""
        super().begin(**known)
        self._kept.entries = []

    def event(self, name: str, **fields: object) -> None:
        """Write one line, and keep what is to be told of it."""
        super().event(name, **fields)
        entries: list[dict[str, Any]] | None = getattr(self._kept, "entries", None)
        if name in EVENTS and entries is not None:
            entries.append(self._entry(name, fields))
            if len(entries) >= MOST_KEPT:
                self._tell()

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """The request has been decided: its line, then what is told."""
        super().conclude(name, status=status, **fields)
        self._tell()

    def summarize(self, name: str, **fields: object) -> None:
        """The run has ended: its line, then what is told."""
        super().summarize(name, **fields)
        self._tell()

    def _entry(self, name: str, fields: dict[str, object]) -> dict[str, Any]:
        kind, members = EVENTS[name]
        now = self._clock.now()
        said = {member: redact(member, fields[member]) for member in members if fields.get(member) is not None}
        detail = {"schema": SCHEMA, "at": now, **self._whose, **said}
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": kind,
            "Time": now,
            "Detail": msgspec.json.encode(detail, enc_hook=str).decode(),
        }

    def _tell(self) -> None:
        entries: list[dict[str, Any]] = getattr(self._kept, "entries", None) or []
        self._kept.entries = []
        for start in range(0, len(entries), AT_ONCE):
            batch = entries[start : start + AT_ONCE]
            try:
                lost = self._events.call("PutEvents", {"Entries": batch}).get("FailedEntryCount", 0)
            except (AwsRefusal, AwsUnreachable):
                lost = len(batch)
            if lost:
                super().event("events_not_told", count=lost)
