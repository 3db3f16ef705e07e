"""Counts what a kill switch voided, and lists what stays valid for a while outside the broker's reach."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from chalicelib.keys.lifecycle import MOST_TOKEN_SECONDS
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import issuer_id
from chalicelib.records.job import Job
from cli.deployment.operations import CACHED_SECONDS, Deployment, list_resources

_MEMBERS = {"client": "client_id", "user": "sub", "provider": "provider_id", "issuer": "issuer"}
LIVE = ("exchanging", "issued", "active", "device_pending")


def count_void(deployment: Deployment, kind: str, named: str) -> dict[str, int]:
    """Grants and connections that were active, and their users: read from the whole table after the switch was set."""
    now = deployment.clock.now()
    is_meant: dict[str, Callable[[Any], bool]] = {
        "client": lambda one: one.client_id == named,
        "user": lambda one: one.sub == named,
        "provider": lambda one: one.provider_id == named,
        "issuer": lambda one: isinstance(one, Grant) and one.origin == issuer_id(named),
        "everything": lambda one: True,
    }
    grants: list[Grant] = deployment.scan("GRANT#", Grant)
    connections: list[Connection] = deployment.scan("CONNECTION#", Connection)
    live = [one for one in grants if one.status in LIVE and not one.is_over(now) and is_meant[kind](one)]
    held = [one for one in connections if one.status != "revoked" and is_meant[kind](one)]
    users = {one.sub for one in live if one.sub} | {one.sub for one in held}
    return {"grants": len(live), "connections": len(held), "users": len(users)}


def outlasting(deployment: Deployment, kind: str, named: str) -> list[dict[str, Any]]:
    """What this switch does not reach, for at most how many seconds (None: the provider decides), and what would."""
    longest = max(
        (deployment.settings.access_token_seconds, *(one.token_seconds or 0 for one in list_resources(deployment)))
    )
    ended = {"client": f"--client {named}", "user": f"--user {named}", "provider": f"--provider {named}"}.get(kind)
    rows: list[dict[str, Any]] = [
        {
            "what": "access tokens, at an API that verifies them offline",
            "seconds": min(longest, MOST_TOKEN_SECONDS),
            "instead": "broker keys rotate signing --emergency, which invalidates those of all users",
        },
        {
            "what": "providers' tokens that an app holds",
            "seconds": None,
            "instead": f"broker connection revoke {ended}" if ended else "broker connection list, then revoke each",
        },
    ]
    if kind in ("client", "everything"):
        what = "new tokens of clients without a user: a process caches records for this long"
        rows.append({"what": what, "seconds": CACHED_SECONDS, "instead": None})
    return rows


def leave_word(deployment: Deployment, kind: str, named: str) -> None:
    """The schedule reports the cutoff to the event bus within a minute: this terminal needs no permission to send."""
    now, job_id = deployment.clock.now(), deployment.entropy.token_bytes(16).hex()
    word = Job(kind="voided", job_id=job_id, due_at=now, created_at=now)
    deployment.store.put_job(replace(word, **{_MEMBERS[kind]: named}) if kind in _MEMBERS else word)
