"""A log that also publishes some of its lines to an EventBridge bus: events that a team may act on.

Events are sent after the request was decided, all of one request in one call. If the call fails, the response does
not change, and a log line counts the lost events. docs/events.schema.json describes each event.
"""

import threading
from typing import Any

import msgspec

from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable, Transport
from chalicelib.adapters.process.log import JsonLog, redact
from chalicelib.ports import Clock

SOURCE, SCHEMA = "token-broker", 1
AT_ONCE = 10  # entries that EventBridge accepts in one call
MOST_KEPT = 100  # limit for one run of the schedule, which may find many
# A log event -> the published event, and the fields that it contains. No other field is published.
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
    """Publishes to one bus. Events outside a request or run are only logged.

    bus     name or ARN of the bus
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
        """Write one line, and collect it if it is an event to publish."""
        super().event(name, **fields)
        entries: list[dict[str, Any]] | None = getattr(self._kept, "entries", None)
        if name in EVENTS and entries is not None:
            entries.append(self._entry(name, fields))
            if len(entries) >= MOST_KEPT:
                self._tell()

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """Write the line of the finished request, then publish its events."""
        super().conclude(name, status=status, **fields)
        self._tell()

    def summarize(self, name: str, **fields: object) -> None:
        """Write the line of the finished run, then publish its events."""
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
