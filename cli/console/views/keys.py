"""Keys: every version of every keyset, and the next step of its rotation."""

from collections.abc import Mapping
from typing import Any

from cli.console.cells import Cell, Kind, Table, act, at, count, mono, text
from cli.console.console import Console
from cli.console.message import Request, Response

_KINDS: dict[str, Kind] = {"signing": "ok", "current": "ok", "published": "care"}


def show_keys(console: Console, request: Request) -> Response:
    """The versions; never a key."""
    outcome = console.runner.read("keys", "list")
    if outcome.failed:
        return console.failed(request, outcome, title="Keys")
    table = Table(
        caption=count(len({row["purpose"] for row in outcome.rows}), "keyset"),
        columns=("Purpose", "Version", "State", "Since", "Next step", "Next step at", "Key ID"),
        rows=[_row(row) for row in outcome.rows],
        empty="There are no keys yet. Create them:",
        hint="broker init",
    )
    return console.page(
        "listing.html",
        request,
        title="Keys",
        says="KMS encrypts every key. A schedule rotates them; no page shows one.",
        search="",
        q="",
        tables=[table],
        links=[],
        actions=[
            act("init", "Create missing keys"),
            act("keys-rotate", "Rotate a key"),
            act("vault-reseal", "Re-encrypt users' keys"),
            act("keys-destroy", "Destroy an old version", ends=True),
            act("keys-emergency", "Replace the signing key at once", ends=True, purpose="signing"),
        ],
        command=outcome.command,
    )


def _row(row: Mapping[str, Any]) -> list[Cell]:
    return [
        text(row["purpose"]),
        text(str(row["version"])),
        Cell(text=row["state"], kind=_KINDS.get(row["state"], "tag")),
        at(row["since"]),
        text(row["next"]),
        at(row["next_at"]),
        mono(row["kid"]),
    ]
