"""Pure summaries of a revocation at the provider, as API values and as sentences."""

from collections.abc import Mapping
from typing import Any, Literal

from chalicelib.records.connection import Connection, Ending

Result = Literal["revoked", "not_supported", "kept_shared", "pending", "failed"]
# The parts of a revocation, in the order of the response.
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
    "revoked": "The provider has revoked it.",
    "not_supported": "The provider offers no revocation. It stays valid until it expires or the user removes it there.",
    "kept_shared": "The provider's call would also end the access of another app of this user, so it was not made.",
    "pending": "A refresh was running. The broker revokes its tokens when they arrive.",
    "failed": "The provider did not accept the revocation. The broker tries again automatically.",
    "given_up": "The provider did not accept the revocation in several tries. It may still be valid there.",
    "lost": "A response of the provider was lost or cannot be read, so the broker cannot revoke its tokens.",
}
_NOT_YET = "It is revoked here. The broker calls the provider next."


def worst_result(endings: Mapping[str, Ending]) -> Ending | None:
    """The result that leaves the most tokens valid; None if the provider was not called yet."""
    return max(endings.values(), key=_WORST_LAST.index, default=None)


def result_of(tombstone: Connection) -> Result:
    """The overall result, as the API reports it."""
    return _RESULTS[worst_result(tombstone.endings)]


def is_alive_there(connection: Connection) -> bool:
    """True for a revoked connection with tokens that may still be valid at the provider."""
    return connection.status == "revoked" and worst_result(connection.endings) not in ("revoked", "kept_shared")


def may_change(connection: Connection) -> bool:
    """True for a revoked connection with a job that can still change its results."""
    said = connection.endings.values()
    return connection.status == "revoked" and (not said or "pending" in said or "failed" in said)


def describe_endings(tombstone: Connection) -> list[dict[str, Any]]:
    """One row per part: token, result, reason."""
    if not tombstone.endings:
        return [{"token": "refresh_token", "result": "pending", "reason": _NOT_YET}]
    return [
        {"token": part, "result": _RESULTS[ending], "reason": _REASONS[ending]}
        for part in PARTS
        if (ending := tombstone.endings.get(part)) is not None
    ]


def merge_endings(rows: list[tuple[str, Ending]]) -> dict[str, Ending]:
    """The worst result of each part."""
    return {
        part: found
        for part in PARTS
        if (found := worst_result({str(n): e for n, (p, e) in enumerate(rows) if p == part}))
    }
