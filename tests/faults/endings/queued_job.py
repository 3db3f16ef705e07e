"""A job in the queue that has nothing left to do."""

from typing import Any

from chalicelib.records.job import Job


def duty(name: str, due_at: int, **changed: Any) -> Job:
    """One that is about nothing any more, so that doing it is deleting it."""
    fields = {"connection_id": "gone", "sub": "nobody", "provider_id": "demo", "created_at": 0}
    return Job(**{"kind": "revoke", "job_id": name, "due_at": due_at, **fields, **changed})
