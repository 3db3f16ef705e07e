"""A browser's or an app's requests as the events that API Gateway makes of them, without the wire in between."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from local.stack.http1 import Head
from local.stack.rest_event import Edge, build_event, read_answer
from local.stack.routing import RouteMatcher

SOURCE = ("198.51.100.7", 50000)
EDGE = Edge(scheme="https", binary_types=("*/*",))
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case, as often as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        """The first value of a header; an empty string where there is none."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]


class Door:
    """Stands where API Gateway stands, before anything that takes an event: an app, or a function in its own process.

    resources   the routes, e.g. `/callback/{provider_id}`
    """

    def __init__(self, function: Callable[[dict[str, Any], Any], Any], resources: Iterable[str], host: str) -> None:
        self.function = function
        self.host = host
        self._matcher = RouteMatcher(resources)

    def event(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The event of one request."""
        parts = urlsplit(url)
        sent = {"Host": self.host, "User-Agent": "Mozilla/5.0", "Accept": "*/*", **(headers or {})}
        body = b""
        if form is not None:
            sent["Content-Type"], body = FORM, urlencode(form).encode()
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        head = Head(method=method, target=target, minor_version=1, headers=tuple(sent.items()))
        match = self._matcher.match(parts.path)
        if match is None:
            raise LookupError(f"no route for {parts.path}")
        return build_event(head, body, match, parts.path, source=SOURCE, edge=EDGE)

    def send(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request and its answer."""
        return self.invoke(self.event(method, url, form=form, headers=headers))

    def invoke(self, event: dict[str, Any]) -> Answer:
        """One event and its answer."""
        status, headers, body = read_answer(self.function(event, None))
        return Answer(status, tuple((name.lower(), value) for name, value in headers), body.decode())
