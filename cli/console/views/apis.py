"""The team's own APIs, and tokens with which apps register themselves."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Cell, Table, act, at, count, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response


def show_apis(console: Console, request: Request) -> Response:
    """Both lists."""
    apis, tokens = console.runner.read("resource", "list"), console.runner.read("registration-token", "list")
    for outcome in (apis, tokens):
        if outcome.failed:
            return console.failed(request, outcome, title="APIs and registration")
    return console.page(
        "listing.html",
        request,
        title="APIs and registration",
        says="Your APIs that accept the broker's access tokens, and tokens that let apps register themselves.",
        search="",
        q="",
        tables=[page_of(_list_apis(apis.rows), request), _list_tokens(tokens.rows)],
        links=[],
        actions=[
            act("api-create", "Register an API"),
            act("registration-token-create", "Create a registration token"),
        ],
        command=apis.command,
    )


def _list_apis(rows: Any) -> Table:
    return Table(
        caption=count(len(rows), "API"),
        columns=("Audience", "Scopes", "Lifetime of tokens", "Created", "Delete"),
        rows=[_api(row) for row in rows],
        empty="No API is registered.",
        hint="broker resource create --audience https://api.example.com",
    )


def _api(row: Mapping[str, Any]) -> list[Cell]:
    seconds = row["token_seconds"]
    delete = act("api-delete", "Delete", audience=row["audience"])[0]
    return [
        mono(row["audience"]),
        mono(row["scope"]),
        text(f"{seconds} seconds" if seconds else "the deployment's"),
        at(row["created_at"]),
        Cell(text="Delete", href=delete),
    ]


def _list_tokens(rows: Any) -> Table:
    return Table(
        caption=count(len(rows), "registration token"),
        columns=("Name", "Note", "Used", "Scopes", "Expires", "State", "Revoke"),
        rows=[_token(row) for row in rows],
        empty="No registration token exists.",
    )


def _token(row: Mapping[str, Any]) -> list[Cell]:
    revoke = act("registration-token-revoke", "Revoke", name=row["name"])[0]
    state = Cell(text="ended", kind="tag") if row["over"] else Cell(text="valid", kind="ok")
    used = text(f"{row['used']} of {row['uses']}")
    link = Cell(text="Revoke", href=revoke)
    return [mono(row["name"]), text(row["note"]), used, mono(row["scope"]), at(row["expires_at"]), state, link]
