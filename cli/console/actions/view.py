"""The form of an action, and its result. The command runs only from a form that was shown once and is confirmed."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.command_failure import describe_failure
from cli.confirmation import YES, check_answer
from cli.console.access import Denied
from cli.console.actions.action import Action
from cli.console.actions.table import ACTIONS
from cli.console.cells import Table, count, fact, facts
from cli.console.command_runner import FAILURES, Outcome, type_command
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import label, link
from cli.deployment.operations import OperationError

SECRETS = ("client_secret", "initial_access_token")
MONOSPACED = ("client_id", "connection_id", "user", "scope", "redirect_uris", "grant_types", "redirect_uri")
# Of a list of connections or jobs, in this order.
COLUMNS = ("connection_id", "job", "connection", "provider", "user", "status", "outcome", "at_provider")
MOST_COLUMNS = 5


def show_action(console: Console, request: Request, slug: str) -> Response:
    """The form: what the command does, its question, and its fields."""
    action = _find(slug)
    return _form(console, request, action, request.query)


def run_action(console: Console, request: Request, slug: str) -> Response:
    """Run the command and show its result; a form that is not confirmed is shown again."""
    action, form = _find(slug), request.form
    if not console.session.take_form(form.get("once", "")):
        raise Denied(409, "This form was sent already, or is too old. Open it again to repeat the action.")
    try:
        words = action.command(form)
        question = console.runner.ask(*words)
        if action.ends or question:
            check_answer(form.get("typed", ""))
        if question != (form.get("question") or None):
            raise OperationError("the deployment has changed since this form was shown", "read the question again")
    except FAILURES as error:
        return _form(console, request, action, form, failed=describe_failure(error))
    outcome = console.runner.do(*words)
    if outcome.failed:
        return _form(console, request, action, form, failed=outcome.failed)
    return _result(console, request, action, outcome)


def _find(slug: str) -> Action:
    if slug not in ACTIONS:
        raise Denied(404, "There is no such action.")
    return ACTIONS[slug]


def _form(
    console: Console, request: Request, action: Action, given: Mapping[str, str], failed: OperationError | None = None
) -> Response:
    words, question = list(action.words), None
    try:
        if not action.fields:
            words = action.command(given)
            question = console.runner.ask(*words)
    except FAILURES as error:
        failed = failed or describe_failure(error)
    return console.page(
        "action.html",
        request,
        title=action.title,
        status=400 if failed else 200,
        action=action,
        given=given,
        question=question,
        outcome=Outcome(command="", failed=failed),
        once=console.session.new_form(),
        yes=YES,
        command=type_command(words),
    )


def _result(console: Console, request: Request, action: Action, outcome: Outcome) -> Response:
    """What the command returned. A new secret stands first: it is shown only here."""
    row: dict[str, Any] = dict(outcome.row or (outcome.rows[0] if len(outcome.rows) == 1 else {}))
    shown = {name: row.pop(name) for name in SECRETS if name in row}
    lists = {name: value for name, value in row.items() if _is_rows(value)}
    tables = [_table(label(name), value) for name, value in lists.items()]
    if len(outcome.rows) > 1:
        tables.append(_table(count(len(outcome.rows), "result"), outcome.rows))
    return console.page(
        "done.html",
        request,
        title=action.title,
        action=action,
        secrets=shown,
        outcome=outcome,
        pairs=facts(row, *(name for name in row if name not in lists), monospaced=MONOSPACED),
        tables=tables,
        links=[(link("clients", row["client_id"]), "Show the client")] if shown and "client_id" in row else [],
        command=outcome.command,
    )


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _table(caption: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """The columns that have a value, but no more than fit; an operator finds the others on the page of each thing."""
    named = [name for name in rows[0] if any(row.get(name) not in (None, "", []) for row in rows)]
    wanted = [name for name in COLUMNS if name in named] or named
    names = wanted[:MOST_COLUMNS]
    cells = [[fact(name, row.get(name), name in MONOSPACED) for name in names] for row in rows]
    return Table(caption=caption, columns=tuple(map(label, names)), rows=cells)
