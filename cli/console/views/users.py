"""Users: find one by sub or by the account that they sign in with, and show what is stored about them."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Action, Cell, Table, act, at, count, facts, mono
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import link

_MAIN = ("user", "created_at", "void_before", "linked_to", "added_logins", "connections")


def show_search(console: Console, request: Request) -> Response:
    """The form that finds a user. There is no list: names and email addresses are encrypted."""
    return console.page("users.html", request, title="Users")


def find_user(console: Console, request: Request) -> Response:
    """From the form to the user's page. An account's id is posted, so that it is in no URL."""
    sub, provider, account = (request.form.get(name, "") for name in ("sub", "provider", "account"))
    if sub:
        return console.redirect(link("users", sub))
    issuer = request.form.get("issuer", "")
    words = [f"--provider={provider}", f"--account={account}", *([f"--issuer={issuer}"] if issuer else [])]
    outcome = console.runner.read("user", "show", *words)
    if outcome.failed:
        return console.failed(request, outcome, title="Users")
    return console.redirect(link("users", outcome.row["user"]))


def show_user(console: Console, request: Request, sub: str) -> Response:
    """One user: logins, apps, and the way to the connections."""
    outcome = console.runner.read("user", "show", "--", sub)
    if outcome.failed:
        return console.failed(request, outcome, title="User")
    row = outcome.row
    apps = Table(
        caption=f"{count(len(row['apps']), 'app')} with the user's consent",
        columns=("Client", "Scopes", "Decided", "State", "Ends"),
        rows=[_app(one) for one in row["apps"]],
        empty="The user has consented to no app.",
    )
    return console.page(
        "thing.html",
        request,
        title="User",
        up=("/users", "Users"),
        tags=_tags(row),
        groups=[("User", facts(row, *_MAIN, monospaced=("user", "linked_to")))],
        tables=[apps],
        links=[(link("connections", user=row["user"]), "Connections of this user")],
        actions=[] if row["erased"] else _actions(row),
        command=outcome.command,
    )


def _tags(row: Mapping[str, Any]) -> list[Cell]:
    return [
        *([Cell(text="Erased", kind="stop")] if row["erased"] else []),
        *([Cell(text="Stopped", kind="stop")] if row["disabled"] and not row["erased"] else []),
        *([Cell(text="A login of another user", kind="care")] if row["linked_to"] else []),
    ]


def _app(one: Mapping[str, Any]) -> list[Cell]:
    revoked, paused = Cell(text="revoked", kind="tag"), Cell(text="paused", kind="care")
    state = revoked if one["revoked"] else paused if one["paused"] else Cell(text="active", kind="ok")
    client = mono(one["client_id"], link("clients", one["client_id"]))
    return [client, mono(one["scope"]), at(one["decided_at"]), state, at(one["ends_at"])]


def _actions(row: Mapping[str, Any]) -> list[Action]:
    sub = row["user"]
    stop = act("user-stop", "Stop", ends=True, sub=sub)
    return [
        act("user-sign-out", "Sign out", ends=True, sub=sub),
        act("user-allow", "Allow again", sub=sub) if row["disabled"] else stop,
        act("user-revoke", "Revoke all connections", ends=True, user=sub),
        act("user-erase", "Erase", ends=True, sub=sub),
    ]
