"""Audit records: commands of operators and hand-outs of tokens, and whether the chain of seals is whole."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Cell, Kind, Table, at, count, facts, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import link, show

PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_OUTCOMES: dict[str, Kind] = {"done": "ok", "failed": "stop"}


def show_audit(console: Console, request: Request) -> Response:
    """The newest first."""
    since = request.query.get("since", "24h")
    since = since if since in PERIODS else "24h"
    outcome = console.runner.read("audit", "export", f"--since={since}")
    if outcome.failed:
        return console.failed(request, outcome, title="Audit")
    table = Table(
        caption=f"{count(len(outcome.rows), 'record')} in the last {PERIODS[since]}",
        columns=("Time", "Event", "Who", "About", "Outcome"),
        rows=[_row(row) for row in reversed(outcome.rows)],
        empty=f"Nothing was recorded in the last {PERIODS[since]}.",
    )
    periods = [(link("audit", since=one), f"Last {said}") for one, said in PERIODS.items() if one != since]
    return console.page(
        "listing.html",
        request,
        title="Audit",
        says="Commands of operators, and every token that left the broker.",
        search="",
        q="",
        tables=[page_of(table, request)],
        links=[*periods, (link("audit", "check"), "Check the chain of seals")],
        actions=[],
        command=outcome.command,
    )


def check_audit(console: Console, request: Request) -> Response:
    """Compare all records with what was sealed."""
    outcome = console.runner.read("audit", "verify")
    if outcome.failed:
        return console.failed(request, outcome, title="Chain of seals")
    return console.page(
        "thing.html",
        request,
        title="Chain of seals",
        up=("/audit", "Audit"),
        tags=[Cell(text="Whole", kind="ok")],
        groups=[("Records and seals", facts(outcome.row, *outcome.row))],
        tables=[],
        links=[],
        actions=[],
        command=outcome.command,
    )


def _row(row: Mapping[str, Any]) -> list[Cell]:
    if row["command"]:
        given = show(row["given"]) if row["given"] else ""
        about = " ".join(filter(None, (row["client_id"], row["user"], row["provider_id"], row["connection_id"], given)))
        outcome = row["outcome"] or ""
        kind = _OUTCOMES.get(outcome, "tag")
        return [at(row["at"]), text(row["command"]), mono(row["operator"]), mono(about), Cell(text=outcome, kind=kind)]
    about = " ".join(filter(None, (row["provider_id"], row["audience"], row["method"])))
    return [at(row["at"]), text(row["event"]), mono(row["client_id"]), mono(about), text(row["reason"])]
