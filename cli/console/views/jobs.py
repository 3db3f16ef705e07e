"""Jobs at providers and apps: the due ones and those that wait."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Cell, Kind, Table, act, at, count, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import link

_KINDS: dict[str, Kind] = {"due": "care", "running": "ok"}


def show_jobs(console: Console, request: Request) -> Response:
    """Every job that is not done, the next one first."""
    outcome = console.runner.read("jobs", "list")
    if outcome.failed:
        return console.failed(request, outcome, title="Jobs")
    due = sum(row["state"] == "due" for row in outcome.rows)
    table = Table(
        caption=f"{count(len(outcome.rows), 'job')}, {due} due",
        columns=("Job", "State", "Due", "Tries", "Provider", "For"),
        rows=[_row(row) for row in outcome.rows],
        empty="No job is waiting: everything is done.",
    )
    return console.page(
        "listing.html",
        request,
        title="Jobs",
        says="Revocations, erasures and notices that outlive their request. A schedule runs them every minute.",
        search="",
        q="",
        tables=[page_of(table, request)],
        links=[],
        actions=[act("jobs-run", "Run the due jobs now")],
        command=outcome.command,
    )


def _row(row: Mapping[str, Any]) -> list[Cell]:
    about = [(name, row[name]) for name in ("connection", "user", "client_id") if row[name]]
    where = {"connection": "connections", "user": "users", "client_id": "clients"}
    name, value = about[0] if about else ("", "-")
    return [
        text(row["job"]),
        Cell(text=row["state"], kind=_KINDS.get(row["state"], "tag")),
        at(row["due_at"]),
        text(str(row["tries"])),
        text(row["provider"]),
        mono(value, link(where[name], value) if name else ""),
    ]
