"""Connections: the list with its filters, and one connection with its use."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Cell, Kind, Table, act, at, count, facts, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import label, link

FILTERS = ("user", "client", "provider")
_KINDS: dict[str, Kind] = {"active": "ok", "revoked": "tag"}
_MAIN = ("connection_id", "provider", "client_id", "user", "scope", "connected_at", "reauth_by")
_END = ("revoked_at", "at_provider", "alive_there", "tokens", "provider_settings")


def show_connections(console: Console, request: Request) -> Response:
    """All connections that match the filters, the newest first."""
    given = {name: request.query.get(name, "") for name in FILTERS}
    alive = request.query.get("alive") == "yes"
    words = [f"--{name}={value}" for name, value in given.items() if value]
    outcome = console.runner.read("connection", "list", *words, *(["--alive"] if alive else []))
    if outcome.failed:
        return console.failed(request, outcome, title="Connections")
    narrowed = bool(words or alive)
    table = Table(
        caption=count(len(outcome.rows), "connection"),
        columns=("Connection", "Provider", "Client", "User", "Status", "Connected"),
        rows=[_row(row) for row in reversed(outcome.rows)],
        empty="No connection matches." if narrowed else "No user has connected a provider yet. To see one, sign in:",
        hint="" if narrowed else "dev.py demo",
    )
    return console.page(
        "connections.html",
        request,
        title="Connections",
        given=given,
        alive=alive,
        table=page_of(table, request),
        command=outcome.command,
    )


def show_connection(console: Console, request: Request, connection_id: str) -> Response:
    """One connection."""
    outcome = console.runner.read("connection", "show", "--", connection_id)
    if outcome.failed:
        return console.failed(request, outcome, title="Connection")
    row = outcome.row
    use = [
        (label(name), at(one) if str(one).endswith("Z") else text(str(one))) for name, one in row["use"].items() if one
    ]
    return console.page(
        "thing.html",
        request,
        title=f"Connection at {row['provider']}",
        up=("/connections", "Connections"),
        tags=[status_of(row)],
        groups=[
            ("Connection", facts(row, *_MAIN, monospaced=("connection_id", "client_id", "user", "scope"))),
            ("Use", use),
            ("End", facts(row, *_END) if row["status"] == "revoked" else []),
        ],
        tables=[],
        links=[(link("clients", row["client_id"]), "The client"), (link("users", row["user"]), "The user")],
        actions=[act("connection-revoke", "Revoke", ends=True, connection_id=connection_id)],
        command=outcome.command,
    )


def status_of(row: Mapping[str, Any]) -> Cell:
    """Its status as a tag; a revoked one may still be valid at the provider."""
    if row["status"] == "revoked" and row["alive_there"]:
        return Cell(text="revoked here only", kind="care")
    return Cell(text=row["status"], kind=_KINDS.get(row["status"], "care"))


def _row(row: Mapping[str, Any]) -> list[Cell]:
    return [
        mono(row["connection_id"], link("connections", row["connection_id"])),
        text(row["provider"]),
        mono(row["client_id"], link("clients", row["client_id"])),
        mono(row["user"], link("users", row["user"])),
        status_of(row),
        at(row["connected_at"]),
    ]
