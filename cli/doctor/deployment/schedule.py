"""Checks that the schedule runs the due jobs every minute."""

from collections.abc import Iterator

from chalicelib.adapters.dynamodb.job_queue import TableQueue
from chalicelib.records.item_keys import SWEEP
from cli.deployment.operations import Deployment
from cli.doctor.checks import Fault, Group
from cli.doctor.deployment.visit import DEPLOY, Here

GROUP = Group("Schedule")
LATE_SECONDS = 900
FIX = (
    "Run python3 dev.py broker jobs run to do it by hand. Check with aws events list-rules that the schedule's "
    "rule is enabled."
)


@GROUP.check("schedule-runs", "error", fix=FIX, source=DEPLOY)
def runs(here: Here) -> Iterator[str]:
    """The schedule runs: its daily scan of all connections is not overdue."""
    sweep = here.read(lambda deployment: deployment.store.read(SWEEP).get(SWEEP))
    late = here.deployment.clock.now() - sweep.due_at if sweep else 0
    if sweep is None:
        yield "it has never run"
    elif late > LATE_SECONDS:
        yield f"a job that was due {late // 60} minutes ago has not run"


@GROUP.check("schedule-keeps-up", "warning", fix=FIX, source=DEPLOY)
def keeps_up(here: Here) -> Iterator[str | Fault]:
    """No job is far behind its time."""
    now, unreadable = here.deployment.clock.now(), list[str]()
    oldest = here.read(lambda deployment: [next(due, None) for due in _queue(deployment, unreadable).list_due(now)])
    for kind in unreadable:
        yield Fault(f"a job of kind {kind} cannot be read", "docs/runbooks/job-broken.md")
    for job in oldest:
        if job is not None and now - job.due_at > LATE_SECONDS:
            yield f"a job of kind {job.kind} is late by {(now - job.due_at) // 60} minutes"


def _queue(deployment: Deployment, unreadable: list[str]) -> TableQueue:
    settings = deployment.settings
    tables = {"table": settings.table, "keys_table": settings.keys_table}
    return TableQueue(deployment.dynamodb, on_unreadable=unreadable.append, entropy=deployment.entropy, **tables)
