"""Stored audit records."""

from typing import Protocol

from chalicelib.records.audit import AuditEvent, Traces


class AuditStore(Protocol):
    """Audit records: appended and listed, never changed."""

    def append_audit(self, event: AuditEvent) -> None:
        """Append one record. If it raises, no token may be handed out."""

    def list_traces(self, sub: str, connection_id: str | None, *, since: int) -> Traces:
        """The records of one connection among a user's newest audit records: one query of a fixed size.

        connection_id   None: of all connections
        since           the earliest time that is considered
        """

    def list_events(self, sub: str, *, since: int, most: int) -> tuple[tuple[AuditEvent, ...], bool]:
        """A user's newest audit records, at most `most`, and whether these are all records since that time."""
