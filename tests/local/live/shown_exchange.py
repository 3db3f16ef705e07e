"""An exchange as the live view shows it."""

from collections.abc import Callable
from typing import Any

from local.live.exchange import Exchange

Opened = Callable[[Exchange], dict[str, Any]]


def find(exchanges: list[Exchange], callee: str, path: str, grant: str = "") -> Exchange:
    """The first that fits."""
    return next(
        one for one in exchanges if (one.callee, one.path) == (callee, path) and grant in one.sent.get("grant_type", "")
    )
