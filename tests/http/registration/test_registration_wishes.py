"""A registration that asks for more than is open succeeds with what is open, and the response says what that is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource, find_client
from tests.kit.http.browser import Answer, request
from tests.kit.http.documents import app
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

API = "https://mcp.example/mcp"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
VENDOR = "cursor://anysphere.cursor-mcp/oauth/callback"


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """Open registration, and an API that is open to everybody's clients."""
    opened = make_stack(
        registration="open",
        open_registration_scopes=frozenset({"openid", "profile", "offline_access", "notes:read", "notes:write"}),
        open_registration_resources=frozenset({API}),
    )
    create_resource(opened.deployment, Resource(audience=API, scopes=frozenset({"notes:read", "notes:write"})))
    return opened


def register(stack: Stack, **members: Any) -> Answer:
    document = {"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none", **members}
    headers = {"Content-Type": "application/json"}
    return request(stack.netloc, "POST", "/register", body=json.dumps(document), headers=headers)


@requirement("REG-09")
def test_grant_types_and_response_types_that_are_closed_or_unknown_are_left_out(stack: Stack) -> None:
    grants = ["authorization_code", "refresh_token", DEVICE, "implicit", "urn:example:new"]
    made = register(stack, grant_types=grants, response_types=["code", "token", "code id_token"])
    assert made.status == 201, made.body
    assert made.json["grant_types"] == ["authorization_code", "refresh_token"]
    assert made.json["response_types"] == ["code"]


@requirement("REG-09")
def test_a_document_of_which_nothing_is_left_is_refused(stack: Stack) -> None:
    for members in ({"grant_types": ["implicit"]}, {"grant_types": ["refresh_token"]}):
        assert register(stack, **members).json["error"] == "invalid_client_metadata"


@requirement("REG-09")
def test_the_response_lists_no_scope_that_was_not_asked_for(stack: Stack) -> None:
    made = register(stack, scope="notes:read admin email", grant_types=["authorization_code", "refresh_token"]).json
    assert made["scope"] == "notes:read"
    kept = find_client(stack.deployment, made["client_id"]).scopes
    assert kept == {"notes:read", "notes:write", "offline_access"}
    headers = {"Authorization": f"Bearer {made['registration_access_token']}"}
    shown = request(stack.netloc, "GET", f"/register/{made['client_id']}", headers=headers)
    assert shown.json["scope"] == "notes:read"


@requirement("REG-09", "OIDC-05")
def test_a_registered_refresh_token_comes_although_the_scopes_do_not_name_it(stack: Stack) -> None:
    made = register(stack, scope="notes:read", grant_types=["authorization_code", "refresh_token"]).json
    client = app(made["client_id"], redirect_uris=("http://127.0.0.1/cb",), application_type="native")
    sign_in = stack.sign_in(client, scope="notes:read", resource=API)
    tokens = stack.redeem(sign_in).json
    assert stack.refresh(sign_in, tokens["refresh_token"]).status == 200


@requirement("REG-10")
def test_pages_on_the_users_machine_are_for_clients_that_are_there(stack: Stack) -> None:
    page = "http://localhost:6274/about"
    here = register(stack, redirect_uris=["http://localhost:6274/cb"], client_uri=page, logo_uri=page, tos_uri=page)
    assert (here.status, here.json["client_uri"]) == (201, page)
    for members in (
        {"redirect_uris": ["https://client.example/cb"], "client_uri": page},
        {"redirect_uris": ["http://localhost/cb", "https://client.example/cb"], "client_uri": page},
        {"initiate_login_uri": page},
        {"jwks_uri": page, "token_endpoint_auth_method": "private_key_jwt"},
        {"client_uri": "http://10.0.0.1/about"},
    ):
        assert register(stack, **members).json["error"] == "invalid_client_metadata", members


@requirement("AUTHZ-02", "CONS-02")
def test_a_program_with_its_vendors_scheme_signs_in_and_the_page_warns(stack: Stack) -> None:
    made = register(stack, redirect_uris=[VENDOR], client_name="Cursor", scope="openid profile")
    assert made.status == 201, made.body
    client = app(made.json["client_id"], redirect_uris=(VENDOR,), application_type="native")
    page = stack.authorize(stack.authorize_parameters(client, scope="openid"))
    assert "another program could pretend to be it" in page.body
    sign_in = stack.sign_in(client, scope="openid")
    assert sign_in.answer.location.startswith(f"{VENDOR}?code=")
    near = stack.authorize(stack.authorize_parameters(client, scope="openid", redirect_uri=f"{VENDOR}/x"))
    assert near.status == 400


@requirement("AUTHZ-02")
@pytest.mark.parametrize("uri", ["javascript://x/y", "intent://x/y", "ms-msdt://x/y", "file://x/y", "cursor:/cb"])
def test_a_scheme_that_is_no_vendors_is_refused(stack: Stack, uri: str) -> None:
    assert register(stack, redirect_uris=[uri]).json["error"] == "invalid_redirect_uri"
