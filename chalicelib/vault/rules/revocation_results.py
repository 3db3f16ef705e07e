"""What became of a connection's tokens at the provider, in one word and in plain ones: pure."""

from collections.abc import Mapping
from typing import Any, Literal

from chalicelib.records.connection import Connection, Ending

Result = Literal["revoked", "not_supported", "kept_shared", "pending", "failed"]
# What a tombstone speaks of, in the order of an answer.
PARTS = ("refresh_token", "access_token", "running_refresh", "lost_answer")
_WORST_LAST: tuple[Ending, ...] = ("revoked", "not_supported", "kept_shared", "pending", "failed", "given_up", "lost")
_RESULTS: dict[Ending | None, Result] = {
    None: "pending",
    "revoked": "revoked",
    "not_supported": "not_supported",
    "kept_shared": "kept_shared",
    "pending": "pending",
    "failed": "failed",
    "given_up": "failed",
    "lost": "failed",
}
_REASONS: dict[Ending, str] = {
    "revoked": "It is over at the provider.",
    "not_supported": "The provider offers no call that ends it; it lives until it expires or the user removes it.",
    "kept_shared": "The provider's call would also end the access of another app of this user, so it was not made.",
    "pending": "A refresh was running; what it brings is ended as soon as it is known.",
    "failed": "The provider did not take the call; it is repeated by itself.",
    "given_up": "The provider did not take the call in any of several tries; it may still be alive there.",
    "lost": "An answer of the provider was lost or cannot be read, so what it held cannot be ended from here.",
}
_NOT_YET = "It is over here; the provider is asked next."


def worst_result(endings: Mapping[str, Ending]) -> Ending | None:
    """The one that leaves most alive; None where nobody has got that far."""
    return max(endings.values(), key=_WORST_LAST.index, default=None)


def result_of(tombstone: Connection) -> Result:
    """The whole of it in a word of the interface."""
    return _RESULTS[worst_result(tombstone.endings)]


def is_alive_there(connection: Connection) -> bool:
    """True for a tombstone of which something may still live at the provider."""
    return connection.status == "revoked" and worst_result(connection.endings) not in ("revoked", "kept_shared")


def may_change(connection: Connection) -> bool:
    """True for a tombstone about which a duty still has to say something."""
    said = connection.endings.values()
    return connection.status == "revoked" and (not said or "pending" in said or "failed" in said)


def describe_endings(tombstone: Connection) -> list[dict[str, Any]]:
    """One row per token: what, result, reason."""
    if not tombstone.endings:
        return [{"token": "refresh_token", "result": "pending", "reason": _NOT_YET}]
    return [
        {"token": part, "result": _RESULTS[ending], "reason": _REASONS[ending]}
        for part in PARTS
        if (ending := tombstone.endings.get(part)) is not None
    ]


def merge_endings(rows: list[tuple[str, Ending]]) -> dict[str, Ending]:
    """The worst of each part."""
    return {
        part: found
        for part in PARTS
        if (found := worst_result({str(n): e for n, (p, e) in enumerate(rows) if p == part}))
    }
