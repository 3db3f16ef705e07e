"""The form of an action, and its result. The command runs only from a form that was shown once and is confirmed."""

from collections.abc import Mapping
from typing import Any

from cli.command_failure import describe_failure
from cli.confirmation import YES, check_answer
from cli.console.access import Denied
from cli.console.actions.action import Action
from cli.console.actions.table import ACTIONS
from cli.console.cells import Cell, Table, facts, text
from cli.console.command_runner import FAILURES, Outcome, type_command
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import label
from cli.deployment.operations import OperationError

SECRETS = ("client_secret", "initial_access_token")


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
    """Everything that the command returned. A new secret stands first: it is shown only here."""
    row: dict[str, Any] = dict(outcome.row)
    shown = {name: row.pop(name) for name in SECRETS if name in row}
    inner = {name: value for name, value in row.items() if _is_rows(value)}
    tables = [_table(name.replace("_", " "), value) for name, value in inner.items()]
    if outcome.rows or not outcome.row:
        tables.append(_table("Result", outcome.rows))
    return console.page(
        "done.html",
        request,
        title=action.title,
        action=action,
        secrets=shown,
        outcome=outcome,
        pairs=facts(row, *(name for name in row if name not in inner)),
        tables=tables,
        command=outcome.command,
    )


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _table(caption: str, rows: Any) -> Table:
    names = [name for name in (rows[0] if rows else ()) if any(row.get(name) not in (None, "", []) for row in rows)]
    cells = [[Cell(text=text(row.get(name)).text) for name in names] for row in rows]
    return Table(caption=caption, columns=tuple(map(label, names)), rows=cells, empty="Nothing had to be done.")
