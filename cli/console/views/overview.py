"""Overview: traffic, refusals, alarms, jobs and keys of one deployment, without a scan of its table."""

import time
from typing import Any

from cli.console.cells import Fact, Table, act, count, mono, text
from cli.console.console import Console
from cli.console.decisions import PERIODS, Decisions, read_minutes, read_period
from cli.console.message import Request, Response
from cli.explanation.refusal_log import Line


def show_overview(console: Console, request: Request) -> Response:
    """The page. A part that cannot be read says why, and the others are shown."""
    minutes = read_minutes(request.query.get("minutes", ""))
    decisions, log = read_period(console.runner, minutes)
    jobs, keys = console.runner.read("jobs", "list"), console.runner.read("keys", "list")
    return console.page(
        "overview.html",
        request,
        title="Overview",
        periods=PERIODS,
        minutes=minutes,
        log=log,
        is_cut=decisions.is_cut,
        charts=[
            decisions.chart("Requests", "answered", "refused", "failed"),
            decisions.metric("Sign-ins", "SignIns"),
            decisions.metric("Token hand-outs", "HandOuts"),
        ],
        refused=len(decisions.refusals),
        cost=f"${decisions.month_cost:,.2f}",
        alarms=_alarms(decisions),
        jobs=jobs,
        due=sum(row["state"] == "due" for row in jobs.rows),
        keys=keys,
        next_key=min((row for row in keys.rows if row["next_at"]), key=lambda row: row["next_at"], default=None),
        actions=[
            act("stop-everything", "Stop everything", ends=True),
            act("allow-everything", "Allow everything again"),
        ],
        deployment=_deployment(console.runner.deployment.settings),
    )


def _alarms(decisions: Decisions) -> Table:
    return Table(
        caption=f"{count(len(decisions.alarms), 'alarm')} in the log",
        columns=("Alarm", "Time (UTC)", "Details"),
        rows=[[mono(line.get("kind")), text(_clock(line)), mono(_details(line))] for line in decisions.alarms[:20]],
        empty="No alarm in this period.",
    )


def _clock(line: Line) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(line["at"]))


def _details(line: Line) -> str:
    left_out = ("at", "event", "kind", "_aws", "sealed", "lambda_request_id")
    return " ".join(f"{name}={value}" for name, value in line.items() if name not in left_out)


def _deployment(settings: Any) -> list[Fact]:
    return [
        ("Issuer", mono(settings.issuer)),
        ("Deployment", mono(settings.deployment)),
        ("Tables", mono(f"{settings.table}, {settings.keys_table}")),
        ("KMS key", mono(settings.kms_key)),
        ("Lifetime of access tokens", text(f"{settings.access_token_seconds} seconds")),
        ("Client registration over HTTP", text(settings.registration)),
    ]
