"""A router before two regions, as docs/regions.md tells: it reads the letter of a handle, and knows no key."""

import base64
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from tests.deploy.package.events import Answer

HANDLES = ("tb_code_", "tb_refresh_", "tb_device_", "tb_bff_")


class Place(Protocol):
    """One region's gateway."""

    def event(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """One request, not yet sent."""

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Send it."""


class Router:
    """The router of docs/regions.md, for one user: by the handle's letter, and without one to the user's region."""

    def __init__(self, routes: Mapping[str, Place], home: str) -> None:
        self.routes, self.home = routes, home

    def event(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """It reads the same for every region."""
        return self.routes[self.home].event(method, url, **more)

    def invoke(self, event: dict[str, Any]) -> Answer:
        """To the region that decides about it."""
        return self.routes[letter_in(event) or self.home].invoke(event)

    def send(self, method: str, url: str, **more: Any) -> Answer:
        """Both at once."""
        return self.invoke(self.event(method, url, **more))


def letter_of(handle: str) -> str:
    """Four characters after the prefix are three bytes; the second is the letter."""
    return base64.urlsafe_b64decode(handle.split("_", 2)[2][:4])[1:2].decode()


def letter_in(event: dict[str, Any]) -> str:
    """Of the first handle in a form; an empty string where there is none."""
    body = event.get("body") or ""
    text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
    return next((letter_of(value) for _, value in parse_qsl(text) if value.startswith(HANDLES)), "")
