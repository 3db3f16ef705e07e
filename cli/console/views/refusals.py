"""Refusals: the recent ones by reason, one explained, and any reason in words."""

import time
from collections import Counter
from typing import Any

from cli.commands.explain import build_explanation
from cli.console.cells import Cell, Table, count, mono, page_of, text
from cli.console.console import Console
from cli.console.decisions import PERIODS, read_minutes, read_period
from cli.console.message import Request, Response
from cli.console.pages import link
from cli.explanation.refusal_log import Line
from cli.explanation.registry import Known, find_reason


def show_refusals(console: Console, request: Request) -> Response:
    """The refusals of a period, by reason and one by one."""
    minutes = read_minutes(request.query.get("minutes", ""))
    decisions, outcome = read_period(console.runner, minutes, "--refused")
    refusals = decisions.refusals
    return console.page(
        "refusals.html",
        request,
        title="Refusals",
        periods=PERIODS,
        minutes=minutes,
        outcome=outcome,
        is_cut=decisions.is_cut,
        chart=decisions.chart("Refusals", "refused", "failed"),
        tables=[_reasons(refusals), page_of(_table(refusals, PERIODS[minutes]), request)] if not outcome.failed else [],
        command=outcome.command,
    )


def find_refusal(console: Console, request: Request) -> Response:
    """From the form to the explanation of a reference, or of a reason."""
    sought = request.form.get("sought", "")
    return console.redirect(link("reasons" if find_reason(sought) else "refusals", sought))


def show_refusal(console: Console, request: Request, error_id: str) -> Response:
    """One refusal, explained from its log line."""
    outcome = console.runner.look(build_explanation, "explain", "--", error_id)
    if outcome.failed:
        return console.failed(request, outcome, title="Refusal")
    row: dict[str, Any] = dict(outcome.row)
    at = row["at"]
    row["moment"] = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if isinstance(at, (int, float)) else "-"
    shown = ("expected", "received") if row["differences"] else ()
    evidence = [(name, mono(one)) for name, one in sorted(row["evidence"].items()) if name not in shown]
    return console.page(
        "refusal.html", request, title="Refusal", refusal=row, evidence=evidence, command=outcome.command
    )


def show_reason(console: Console, request: Request, reason: str) -> Response:
    """A reason in words, without a refusal."""
    known = find_reason(reason)
    if known is None:
        return console.page("missing.html", request, title="No such reason", status=404)
    return console.page("reason.html", request, title=reason, known=known, do=known.reason.do or known.group.do)


def _reasons(refusals: list[Line]) -> Table:
    counted = Counter(str(line.get("reason") or line.get("error") or line.get("status")) for line in refusals)
    rows = []
    for reason, times in counted.most_common(10):
        known = find_reason(reason)
        href = link("reasons", reason) if known else ""
        rows.append([mono(reason, href), text(f"{times:,}"), text(_says(known).replace("`", ""))])
    return Table(
        caption="By reason", columns=("Reason", "Count", "What happened"), rows=rows, empty="No reason to show."
    )


def _says(known: Known | None) -> str:
    return known.reason.says if known else "The registry does not know this reason."


def _table(refusals: list[Line], period: str) -> Table:
    return Table(
        caption=f"{count(len(refusals), 'refusal')} in the last {period}",
        columns=("Reference", "Time (UTC)", "Endpoint", "Error", "Reason", "Client"),
        rows=[_row(line) for line in refusals],
        empty=f"No request was refused in the last {period}.",
    )


def _row(line: Line) -> list[Cell]:
    reference = str(line.get("request_id") or "-")
    client = str(line.get("client_id") or "")
    return [
        mono(reference, link("refusals", reference)),
        text(time.strftime("%H:%M:%S", time.gmtime(line["at"]))),
        text(f"{line.get('route')} {line.get('status')}"),
        text(line.get("error")),
        mono(line.get("reason")),
        mono(client, link("clients", client) if client else ""),
    ]
