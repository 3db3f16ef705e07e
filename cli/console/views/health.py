"""Health: the checks of `broker doctor`."""

from typing import Any

from cli.console.console import Console
from cli.console.message import Request, Response
from cli.doctor.command import examine_deployment
from cli.doctor.report import build_document


def show_health(console: Console, request: Request) -> Response:
    """The page; with `run` in the query, also the report: some checks call AWS or the issuer."""
    wanted = request.query.get("run", "")
    if not wanted:
        return _page(console, request, {}, "broker doctor")
    words = ["doctor", *(["--no-network"] if wanted == "aws" else [])]
    outcome = console.runner.look(lambda options: build_document(examine_deployment(options)), *words)
    if outcome.failed:
        return console.failed(request, outcome, title="Health")
    return _page(console, request, dict(outcome.row), outcome.command)


def _page(console: Console, request: Request, report: dict[str, Any], command: str) -> Response:
    return console.page("health.html", request, title="Health", report=report, command=command)
