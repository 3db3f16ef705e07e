"""Requests against the rate limits of networks, clients and users."""

import http.client
from typing import Any
from urllib.parse import urlencode

from tests.kit.http.browser import FORM
from tests.kit.http.stack import Stack


def to_the_minute(stack: Stack) -> None:
    """A minute begins, so that none ends meanwhile."""
    stack.clock.advance(60 - stack.clock.now() % 60)


FLOOD, NEIGHBOUR = "127.0.0.66", "127.0.0.67"


def send(stack: Stack, address: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Any:
    """One request from that address: status, Retry-After, body."""
    connection = http.client.HTTPConnection(stack.netloc, source_address=(address, 0), timeout=20)
    sent = {"Content-Type": FORM, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request("GET" if form is None else "POST", path, urlencode(form) if form else None, sent)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Retry-After"), body
