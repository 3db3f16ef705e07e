"""`broker jobs list|run`: jobs at providers and apps that remain after a request."""

import argparse
from typing import Any, get_args

from chalicelib.composition import build_broker
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.job import Job, JobKind
from chalicelib.vault.rules.revocation_results import result_of
from chalicelib.vault.unused_connections import revoke_unused_connections
from cli.deployment.operations import Deployment
from cli.output import date, log_stream


def run_jobs(deployment: Deployment) -> list[dict[str, Any]]:
    """Run the jobs that are due; one row for each."""
    parts: dict[str, Any] = {"dynamodb": deployment.dynamodb, "kms": deployment.kms, "log_stream": log_stream()}
    broker = build_broker(deployment.settings, **parts)
    rows = [
        {
            "job": performed.job.kind,
            "provider": performed.job.provider_id,
            "connection": performed.job.connection_id,
            "apps": " ".join(told.client_id for told in performed.job.told),
            "outcome": performed.outcome,
        }
        for performed in run_due_jobs(broker)
    ]
    ended = [(one, result_of(one)) for one in revoke_unused_connections(broker)]
    return rows + [
        {"job": "idle", "provider": one.provider_id, "connection": one.connection_id, "apps": "", "outcome": result}
        for one, result in ended
    ]


def list_jobs(deployment: Deployment) -> list[dict[str, Any]]:
    """Every stored job, the next one first; nothing is decrypted. One query for each kind, no scan."""
    found = [job for kind in get_args(JobKind) for job in deployment.query(f"JOB#{kind}", Job)]
    return [_row(job, deployment.clock.now()) for job in sorted(found, key=lambda job: (job.due_at, job.job_id))]


def _row(job: Job, now: int) -> dict[str, Any]:
    state = "running" if job.claimed_until >= now else "due" if job.due_at <= now else "waiting"
    return {
        "job": job.kind,
        "state": state,
        "due_at": date(job.due_at),
        "tries": job.tries,
        "provider": job.provider_id or None,
        "connection": job.connection_id or None,
        "user": job.sub or None,
        "client_id": job.client_id or None,
        "created_at": date(job.created_at),
        "given_up_at": date(job.expires_at),
    }


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker jobs`."""
    verbs = groups.add_parser("jobs", help="manage jobs at providers and apps").add_subparsers(
        dest="verb", required=True
    )
    verbs.add_parser("list", parents=[common], help="list all jobs that are not done").set_defaults(
        act=lambda deployment, options: list_jobs(deployment)
    )
    verbs.add_parser("run", parents=[common], help="run the due jobs now").set_defaults(
        act=lambda deployment, options: run_jobs(deployment)
    )
