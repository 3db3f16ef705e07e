"""Clients: the list, and one client with its settings and actions."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Action, Cell, Table, act, at, count, facts, matching, mono, page_of, text
from cli.console.console import Console
from cli.console.message import Request, Response
from cli.console.pages import link

CREATE = 'broker client create --name "My app" --redirect-uri https://app.example/callback'
_PERMISSIONS = ("scope", "optional_scopes", "providers", "handout", "proxy_rules", "resources", "serves")
_SIGN_IN = ("redirect_uris", "application_type", "grant_types", "response_modes", "initiate_login_uri", "client_uri")
_SECURITY = (
    *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks_uri", "dpop_bound_access_tokens"),
    *("require_pushed_authorization_requests", "may_be_acted_by", "subject_type", "sector"),
)
_SIGN_OUT = ("post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required")
_ORIGIN = ("client_id", "purpose", "registered_by", "created_at", "expires_at", "deleted_at", "revision")
_MONO = ("client_id", "scope", "optional_scopes", "redirect_uris", "grant_types", "proxy_rules", "bff_origins")


def show_clients(console: Console, request: Request) -> Response:
    """All clients, by name."""
    outcome = console.runner.read("client", "list")
    if outcome.failed:
        return console.failed(request, outcome, title="Clients")
    q = request.query.get("q", "")
    found = matching(outcome.rows, q, "client_name", "client_id", "redirect_uris", "scope")
    table = Table(
        caption=(f"{len(found)} of " if q else "") + count(len(outcome.rows), "client"),
        columns=("Name", "Client ID", "Authentication", "State", "Registered by", "Created"),
        rows=[_row(row) for row in found],
        empty="No client matches." if q else "No app is registered yet. Register the first one:",
        hint="" if q else CREATE,
    )
    return console.page(
        "listing.html",
        request,
        title="Clients",
        says="Apps that may send users here.",
        search="Name, ID, redirect URI or scope",
        q=q,
        tables=[page_of(table, request)],
        links=[],
        actions=[act("client-create", "Register an app")],
        command=outcome.command,
    )


def show_client(console: Console, request: Request, client_id: str) -> Response:
    """One client."""
    outcome = console.runner.read("client", "show", "--", client_id)
    if outcome.failed:
        return console.failed(request, outcome, title="Client")
    row = outcome.row
    groups = [
        ("Registration", facts(row, *_ORIGIN, monospaced=_MONO)),
        ("Sign-in", facts(row, *_SIGN_IN, monospaced=_MONO)),
        ("Permissions", facts(row, *_PERMISSIONS, monospaced=_MONO)),
        ("Security", facts(row, *_SECURITY, monospaced=_MONO)),
        ("Sign-out and browser sessions", facts(row, *_SIGN_OUT, "bff_origins", "bff_api", monospaced=_MONO)),
    ]
    return console.page(
        "thing.html",
        request,
        title=row["client_name"],
        up=("/clients", "Clients"),
        tags=tags_of(row),
        groups=groups,
        tables=[_secrets(row)] if row["secrets"] else [],
        links=[(link("connections", client=client_id), "Connections of this app")],
        actions=_actions(row),
        command=outcome.command,
    )


def tags_of(row: Mapping[str, Any]) -> list[Cell]:
    """The special properties of a client."""
    return [
        *([Cell(text="Disabled", kind="stop")] if row["disabled"] else []),
        *([Cell(text="Deleted", kind="stop")] if row["deleted_at"] else []),
        *([Cell(text="First party", kind="ok")] if row["first_party"] else []),
        *([Cell(text="Registered itself", kind="care")] if row["registered_by"] != "operator" else []),
    ]


def _row(row: Mapping[str, Any]) -> list[Cell]:
    href = link("clients", row["client_id"])
    state = "Disabled" if row["disabled"] else "Deleted" if row["deleted_at"] else ""
    return [
        Cell(text=row["client_name"], href=href),
        mono(row["client_id"]),
        text(row["token_endpoint_auth_method"]),
        Cell(text=state, kind="stop") if state else Cell(text="Enabled", kind="ok"),
        text(row["registered_by"]),
        at(row["created_at"]),
    ]


def _actions(row: Mapping[str, Any]) -> list[Action]:
    client_id = row["client_id"]
    switch = act("client-enable", "Enable", client_id=client_id)
    return [
        *([act("client-secret-rotate", "Rotate the secret", client_id=client_id)] if row["secrets"] else []),
        switch if row["disabled"] else act("client-disable", "Disable", ends=True, client_id=client_id),
        act("client-revoke", "Revoke all access", ends=True, client=client_id),
        act("client-delete", "Delete", ends=True, client_id=client_id),
    ]


def _secrets(row: Mapping[str, Any]) -> Table:
    rows = [[at(one["created_at"]), at(one["expires_at"])] for one in row["secrets"]]
    return Table(caption="Secrets; only their hashes are stored", columns=("Created", "Expires"), rows=rows)
