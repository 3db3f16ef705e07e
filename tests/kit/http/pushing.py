"""A client that pushes its requests, and a browser that brings the reference."""

from typing import Any
from urllib.parse import urlencode

from chalicelib.records.client import Client
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.stack import Stack

URN = "urn:ietf:params:oauth:request_uri:"


def push(stack: Stack, client: Client, secret: str | None = None, **changed: str | None) -> Answer:
    """POST /par with a right request."""
    parameters: dict[str, Any] = stack.authorize_parameters(client, **changed)
    if client.token_endpoint_auth_method != "none":
        del parameters["client_id"]
    return stack.post("/par", client, secret, **parameters)


def reference(stack: Stack, client: Client, secret: str | None = None, **changed: str | None) -> str:
    """The request_uri of a right request."""
    answer = push(stack, client, secret, **changed)
    assert answer.status == 201, (answer.status, answer.body)
    return str(answer.json["request_uri"])


def follow(browser: Browser, client: Client, request_uri: str, **more: str) -> Answer:
    """GET /authorize as the app sends its user there."""
    return browser.get("/authorize?" + urlencode({"client_id": client.client_id, "request_uri": request_uri, **more}))
