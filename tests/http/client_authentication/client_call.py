"""A call of a client at the endpoints that authenticate it."""

import base64
from typing import Any
from urllib.parse import urlencode

from tests.kit.http.browser import FORM, Answer, request
from tests.kit.http.stack import Stack

ENDPOINTS = ("/token", "/revoke", "/introspect")


def call(stack: Stack, form: dict[str, str], *, path: str = "/token", basic: Any = None, query: str = "") -> Answer:
    """A form, and a Basic header from a pair or as it stands."""
    headers = {"Content-Type": FORM}
    if isinstance(basic, tuple):
        basic = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    if basic is not None:
        headers["Authorization"] = basic
    content = {"grant_type": "client_credentials", "token": "unknown", **form}
    return request(stack.netloc, "POST", path + query, body=urlencode(content), headers=headers)
