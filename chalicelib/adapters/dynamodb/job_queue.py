"""The jobs in the table, in order of time: one query per kind lists the due jobs, one write claims a job."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

from chalicelib.adapters.aws.transport import AwsRefusal, Transport
from chalicelib.adapters.dynamodb.audit_records import AuditRecords
from chalicelib.adapters.dynamodb.codec import decode_item, encode
from chalicelib.ports import ItemUnreadable, Written
from chalicelib.records.item_keys import SWEEP
from chalicelib.records.job import Job, JobKind
from chalicelib.records.sweep import Page, Sweep

CURSOR = ("sub", "pk", "sk")
PAGE = 500


class TableQueue(AuditRecords):
    """Store methods for the job runner.

    on_unreadable   called with the kind of each job that cannot be read
    """

    def __init__(self, transport: Transport, *, on_unreadable: Callable[[JobKind], None], **tables: Any) -> None:
        super().__init__(transport, **tables)
        self._on_unreadable = on_unreadable

    def list_due(self, now: int) -> tuple[Iterator[Job], ...]:
        """The due jobs of each kind, oldest first; pages are read on demand."""
        kinds: tuple[JobKind, ...] = get_args(JobKind)
        return tuple(self._due(kind, now) for kind in kinds)

    def claim(self, job: Job, *, now: int, until: int) -> bool:
        """Claim a job if it still exists and no runner has it. A repeat after a lost response recognizes its own
        write."""
        free = "attribute_not_exists(claimed_until) OR claimed_until < :now OR claimed_by = :by"
        payload = {
            "TableName": self._tables["broker"],
            "Key": place_of_job(job),
            "UpdateExpression": "SET claimed_until = :until, claimed_by = :by",
            "ConditionExpression": f"attribute_exists(pk) AND ({free})",
            "ExpressionAttributeValues": {
                ":now": encode(now),
                ":until": encode(until),
                ":by": encode(self._entropy.token_bytes(12).hex()),
            },
        }
        try:
            self._call("UpdateItem", payload)
        except AwsRefusal:
            return False
        return True

    def delete(self, job: Job) -> None:
        """Delete a job. Deleting it twice is harmless."""
        self._call("DeleteItem", {"TableName": self._tables["broker"], "Key": place_of_job(job)})

    def take_sweep(self, *, now: int, seconds: int) -> Sweep | None:
        """Take the scan if it is due; start one if there is none."""
        stands = self.read(SWEEP).get(SWEEP)
        if stands is not None and stands.due_at > now:
            return None
        taken = Sweep(due_at=now + seconds, cursor=stands.cursor if stands else ())
        return taken if self.put_sweep(taken, read=stands) else None

    def put_sweep(self, sweep: Sweep, *, read: Sweep | None) -> bool:
        """Compare and swap on `due_at`, which every taker and every page changes."""
        condition, values = "attribute_not_exists(pk)", dict[str, object]()
        if read is not None:
            condition, values = "due_at = :due", {":due": read.due_at}
        return isinstance(self._put(SWEEP, sweep, condition, values), Written)

    def list_connections(self, cursor: tuple[str, ...]) -> Page:
        """One page of the index. It lists keys of everything that belongs to a user, so other kinds are filtered
        out."""
        payload = {
            "TableName": self._tables["broker"],
            "IndexName": "by_sub",
            "FilterExpression": "begins_with(pk, :kind)",
            "ExpressionAttributeValues": {":kind": encode("CONNECTION#")},
            "Limit": PAGE,
            **({"ExclusiveStartKey": dict(zip(CURSOR, map(encode, cursor), strict=True))} if cursor else {}),
        }
        answer = self._call("Scan", payload)
        found: dict[str, list[str]] = {}
        for item in answer.get("Items", []):
            found.setdefault(item["sub"]["S"], []).append(item["pk"]["S"].partition("#")[2])
        last = answer.get("LastEvaluatedKey")
        return Page(connections=found, cursor=tuple(last[name]["S"] for name in CURSOR) if last else ())

    def _due(self, kind: JobKind, now: int) -> Iterator[Job]:
        start: dict[str, Any] = {}
        while True:
            payload = {
                "TableName": self._tables["broker"],
                "KeyConditionExpression": "pk = :kind AND sk < :later",
                "ExpressionAttributeValues": {":kind": encode(f"JOB#{kind}"), ":later": encode(f"{now + 1:012d}")},
                "ConsistentRead": True,
                **({"ExclusiveStartKey": start} if start else {}),
            }
            answer = self._call("Query", payload)
            for item in answer.get("Items", []):
                try:
                    yield decode_item(item, Job)
                except ItemUnreadable:  # one unreadable job must not hold up the others
                    self._on_unreadable(kind)
            start = answer.get("LastEvaluatedKey") or {}
            if not start:
                return


def place_of_job(job: Job) -> dict[str, Any]:
    """The table key: the kind, then due time and id. Jobs of one kind share a partition key."""
    return {"pk": {"S": f"JOB#{job.kind}"}, "sk": {"S": job_key(job)}}


def job_key(job: Job) -> str:
    """Due time, then id."""
    return f"{job.due_at:012d}#{job.job_id}"
