"""Providers: which are enabled, one provider, and whether it can be reached."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Action, Cell, Link, Table, act, count, facts, matching, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import link

_HERE = ("provider_id", "client_id", "secret", "issuer", "redirect_uri", "variables")
_FILE = ("sign_in_scopes", "scopes", "refresh", "revocation", "documentation", "checked_on", "notes", "unverified")
_MONO = ("provider_id", "client_id", "issuer", "redirect_uri", "sign_in_scopes", "scopes", "documentation")


def show_providers(console: Console, request: Request) -> Response:
    """The enabled ones first, then the provider files that could be enabled."""
    outcome = console.runner.read("provider", "list")
    if outcome.failed:
        return console.failed(request, outcome, title="Providers")
    q = request.query.get("q", "")
    found = matching(outcome.rows, q, "provider_id", "display_name")
    enabled = [row for row in found if row["switched_on"]]
    others = [row for row in found if not row["switched_on"]]
    return console.page(
        "listing.html",
        request,
        title="Providers",
        says="Services that users sign in with or connect.",
        search="Name or ID",
        q=q,
        tables=[_list_enabled(enabled), page_of(_list_others(others), request)],
        links=[],
        actions=[],
        command=outcome.command,
    )


def _list_enabled(rows: list[Mapping[str, Any]]) -> Table:
    return Table(
        caption=f"{len(rows)} enabled",
        columns=("Name", "ID", "Your client ID there", "Secret"),
        rows=[_enabled(row) for row in rows],
        empty="No provider is enabled yet. Enable one with your registration there:",
        hint="broker provider set github --client-id ID --secret-from -",
    )


def _list_others(rows: list[Mapping[str, Any]]) -> Table:
    return Table(
        caption=count(len(rows), "more provider file"),
        columns=("Name", "ID", "Verified lines", "Unverified lines"),
        rows=[_other(row) for row in rows],
    )


def show_provider(console: Console, request: Request, provider_id: str) -> Response:
    """One provider, with the redirect URI to register there."""
    outcome = console.runner.read("provider", "show", "--", provider_id)
    if outcome.failed:
        return console.failed(request, outcome, title="Provider")
    row = outcome.row
    state = Cell(text="Enabled", kind="ok") if row["switched_on"] else Cell(text="Not enabled", kind="tag")
    check = [(link("providers", provider_id, "check"), "Check registration and endpoints")]
    return console.page(
        "thing.html",
        request,
        title=row["display_name"],
        up=("/providers", "Providers"),
        tags=[state],
        groups=[
            ("Your registration", facts(row, *_HERE, monospaced=_MONO)),
            ("Provider file", facts(row, *_FILE, monospaced=_MONO)),
        ],
        tables=[],
        links=[*(check if row["switched_on"] else []), *_links(row)],
        actions=_actions(row),
        command=outcome.command,
    )


def check_provider(console: Console, request: Request, provider_id: str) -> Response:
    """Whether the secret can be decrypted and the endpoints can be found; asks the provider for its metadata."""
    outcome = console.runner.read("provider", "check", "--", provider_id)
    if outcome.failed:
        return console.failed(request, outcome, title=f"Check of {provider_id}")
    return console.page(
        "thing.html",
        request,
        title=f"Check of {provider_id}",
        up=(link("providers", provider_id), "Provider"),
        tags=[Cell(text="Passed", kind="ok")],
        groups=[("Findings", facts(outcome.row, "file", "secret", "endpoints"))],
        tables=[],
        links=[],
        actions=[],
        command=outcome.command,
    )


def _enabled(row: Mapping[str, Any]) -> list[Cell]:
    href = link("providers", row["provider_id"])
    secret = text("stored" if row["secret"] else "none")
    return [Cell(text=row["display_name"], href=href), mono(row["provider_id"]), mono(row["client_id"]), secret]


def _other(row: Mapping[str, Any]) -> list[Cell]:
    href = link("providers", row["provider_id"])
    counts = [text(str(row["verified"])), text(str(row["unverified"]))]
    return [Cell(text=row["display_name"], href=href), mono(row["provider_id"]), *counts]


def _links(row: Mapping[str, Any]) -> list[Link]:
    return [(link("connections", provider=row["provider_id"]), "Connections at this provider")]


def _actions(row: Mapping[str, Any]) -> list[Action]:
    provider_id = row["provider_id"]
    if not row["client_id"]:
        return [act("provider-set", "Enable", provider_id=provider_id)]
    stop = act("provider-stop", "Stop", ends=True, provider_id=provider_id)
    return [
        act("provider-set", "Replace the registration", provider_id=provider_id),
        stop if row["switched_on"] else act("provider-allow", "Allow again", provider_id=provider_id),
        act("provider-revoke", "Revoke all connections", ends=True, provider=provider_id),
    ]
