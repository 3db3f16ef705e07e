"""Stored jobs, and the queue from which the scheduler takes them."""

from collections.abc import Callable, Iterator
from typing import Protocol

from chalicelib.records.job import Job
from chalicelib.records.seal import AuditSeal
from chalicelib.records.sweep import Page, Sweep


class JobStore(Protocol):
    """Jobs that a request leaves behind."""

    def put_job(self, job: Job) -> None:
        """Store a job; storing the same job twice is harmless."""


class JobQueue(Protocol):
    """The queue of jobs; all methods raise StoreUnavailable."""

    def list_due(self, now: int) -> tuple[Iterator[Job], ...]:
        """All due jobs, oldest first, for each kind."""

    def claim(self, job: Job, *, now: int, until: int) -> bool:
        """Take the lease of a job; False if another process has it, or the job is done."""

    def delete(self, job: Job) -> None:
        """Delete a finished job; deleting it twice is harmless."""

    def take_sweep(self, *, now: int, seconds: int) -> Sweep | None:
        """Take the lease of the sweep over all connections, with the cursor of the previous run. None if the sweep is
        not due, or another process has it."""

    def put_sweep(self, sweep: Sweep, *, read: Sweep) -> bool:
        """Record the progress of the sweep; False if another process has continued it meanwhile."""

    def list_connections(self, cursor: tuple[str, ...]) -> Page:
        """One page of the index, which may lag."""

    def last_seal(self) -> AuditSeal | None:
        """The newest link of the hash chain over the audit records. Raises SealBroken if it is not a valid link."""

    def digest_window(self, window: int, *, has_time: Callable[[], bool]) -> tuple[bytes, ...] | None:
        """SHA-256 of each audit record of a settled window. Continues where an earlier run stopped.

        has_time   called before each batch

        None: time ran out and the next run continues, or another process does the work. Raises StoreUnavailable.
        """

    def put_seal(self, seal: AuditSeal) -> bool:
        """Insert if absent; False if that window has been sealed."""
