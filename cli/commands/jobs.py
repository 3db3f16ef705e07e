"""`broker jobs`: jobs at providers and apps that remain after a request."""

import argparse
from typing import Any

from chalicelib.composition import build_broker
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.vault.rules.revocation_results import result_of
from chalicelib.vault.unused_connections import revoke_unused_connections
from cli.deployment.operations import Deployment
from cli.output import log_stream


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


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """broker jobs run."""
    verbs = groups.add_parser("jobs", help="manage jobs at providers and apps").add_subparsers(
        dest="verb", required=True
    )
    verbs.add_parser("run", parents=[common], help="run the due jobs now").set_defaults(
        act=lambda deployment, options: run_jobs(deployment)
    )
