"""A request and an answer as values, and the kinds of answers that providers give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Received:
    """One request as it came.

    endpoint   its role: discovery, jwks, authorize, token, userinfo, revoke, api ...
    host       who was asked, in lower case, without port
    door       "" for https to the host itself; else the address before the host's name, http://127.0.0.1:PORT
    """

    method: str
    path: str
    endpoint: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    host: str = ""
    door: str = ""
    body: bytes = b""

    @property
    def bearer(self) -> str:
        """The token in the Authorization header; empty where there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() in ("bearer", "token") else ""

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document."""
    return Answer(status, json.dumps(document).encode(), "application/json", headers or {})


def form_answer(document: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """The same members form-encoded, as some providers answer."""
    return Answer(status, urlencode(document).encode(), FORM, headers or {})


def html_answer(page: str, status: int = 200) -> Answer:
    """A page without scripts."""
    # No form-action: browsers also apply it to the redirect that follows the form.
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Answer(status, page.encode(), "text/html; charset=utf-8", headers)


def redirect_answer(url: str) -> Answer:
    """To another place, by GET."""
    return Answer(303, b"", "text/plain", {"Location": url, "Cache-Control": "no-store"})
