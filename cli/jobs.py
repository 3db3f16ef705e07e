"""`broker jobs`: duties at providers that outlived their requests."""

import argparse
import sys
from typing import Any

from chalicelib.adapters.dynamodb import job_key
from chalicelib.composition import build_broker
from chalicelib.jobs import run_due_jobs
from chalicelib.records.job import Job
from cli.operations import Deployment


class OperatorQueue:
    """The duties in the table, through the operator's credentials."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def list_due(self, now: int) -> list[Job]:
        """All whose time has come, oldest first."""
        jobs: list[Job] = self._deployment.scan("JOB#", Job)
        return sorted((job for job in jobs if job.due_at <= now), key=lambda job: (job.due_at, job.job_id))

    def delete(self, job: Job) -> None:
        """Its work is done; deleting it twice is no harm."""
        key = {"pk": {"S": f"JOB#{job.kind}"}, "sk": {"S": job_key(job)}}
        self._deployment.dynamodb.call("DeleteItem", {"TableName": self._deployment.settings.table, "Key": key})


def run_jobs(deployment: Deployment) -> list[dict[str, Any]]:
    """Do what is due now; one row for each."""
    broker = build_broker(deployment.settings, dynamodb=deployment.dynamodb, kms=deployment.kms, log_stream=sys.stderr)
    return [
        {
            "job": performed.job.kind,
            "provider": performed.job.provider_id,
            "connection": performed.job.connection_id,
            "outcome": performed.outcome,
        }
        for performed in run_due_jobs(broker, OperatorQueue(deployment))
    ]


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """broker jobs run."""
    verbs = groups.add_parser("jobs", help="duties at providers").add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", parents=[common], help="end what is due at the providers").set_defaults(
        act=lambda deployment, options: run_jobs(deployment)
    )
