"""A page under development registers itself at http://localhost, which a broker on the same machine alone accepts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw
from tests.kit.registration.registered_client import app_of
from tests.kit.requirement import requirement

VITE = "http://localhost:5173/callback"
PAGE = {"redirect_uris": [VITE], "application_type": "web", "token_endpoint_auth_method": "none"}
DEPLOYED = "login.example.com"


def send(stack: Stack, method: str, path: str, document: dict[str, Any], **headers: str) -> Answer:
    """A registration document, at the host of the issuer."""
    host = ("Host", stack.settings.issuer.partition("://")[2])
    sent = [("Content-Type", JSON), host, *headers.items()]
    return raw(stack.netloc, method, path, sent, json.dumps(document).encode())


@requirement("RUN-03", "REG-01")
def test_a_page_on_localhost_registers_itself_where_the_issuer_is_on_this_machine_too(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(registration="open")
    made = send(stack, "POST", "/register", PAGE | {"post_logout_redirect_uris": ["http://localhost:5173/"]})
    assert (made.status, made.json["application_type"], made.json["redirect_uris"]) == (201, "web", [VITE])
    client, _ = app_of(stack, made)
    assert stack.redeem(stack.sign_in(client, scope="openid")).status == 200
    other_port = stack.authorize_parameters(client, scope="openid", redirect_uri=VITE.replace("5173", "5174"))
    assert stack.authorize(other_port).status == 400
    token = {"Authorization": f"Bearer {made.json['registration_access_token']}"}
    document = PAGE | {"client_id": client.client_id, "redirect_uris": ["http://localhost:3000/cb"]}
    replaced = send(stack, "PUT", f"/register/{client.client_id}", document, **token)
    assert (replaced.status, replaced.json["application_type"]) == (200, "web")


@requirement("RUN-03", "REG-01")
def test_a_deployed_issuer_refuses_a_page_on_localhost_and_says_what_to_register(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(registration="open", issuer=f"https://{DEPLOYED}")
    refused = send(stack, "POST", "/register", PAGE)
    assert (refused.status, refused.json["error"]) == (400, "invalid_redirect_uri")
    assert "http://127.0.0.1" in refused.json["error_description"]
    returns = PAGE | {"redirect_uris": ["https://app.example/cb"], "post_logout_redirect_uris": [VITE]}
    assert send(stack, "POST", "/register", returns).json["error"] == "invalid_client_metadata"
    assert send(stack, "POST", "/register", PAGE | {"redirect_uris": ["http://127.0.0.1:5173/callback"]}).status == 201
    assert send(stack, "POST", "/register", PAGE | {"application_type": "native"}).status == 201


@requirement("RUN-03")
@pytest.mark.parametrize("uri", ["https://localhost/cb", "http://app.localhost/cb", "http://localhost.example.com/cb"])
def test_a_broker_on_this_machine_accepts_plain_localhost_and_nothing_like_it(
    make_stack: Callable[..., Stack], uri: str
) -> None:
    stack = make_stack(registration="open")
    assert send(stack, "POST", "/register", PAGE | {"redirect_uris": [uri]}).json["error"] == "invalid_redirect_uri"
