"""APIs that everybody's apps may ask tokens for: one setting for all who register themselves or have a document."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.browser import request
from tests.kit.http.documents import OPEN, URL, Site, app, start_documents
from tests.kit.http.sign_in_scene import assert_page
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read_claims
from tests.kit.requirement import requirement

API, CLOSED = "https://mcp.example/mcp", "https://closed.example/"
SETTINGS = {
    "registration": "open",
    "open_registration_resources": frozenset({API}),
    "open_registration_scopes": OPEN | {"notes:read", "notes:write"},
}


@pytest.fixture
def opened(make_stack: Callable[..., Stack], site: Site) -> Stack:
    """One API is open to everybody's apps, another is not."""
    stack = start_documents(make_stack, site, **SETTINGS)
    for audience in (API, CLOSED):
        create_resource(stack.deployment, Resource(audience=audience, scopes=frozenset({"notes:read", "notes:write"})))
    return stack


def register(stack: Stack, **members: Any) -> dict[str, Any]:
    """POST /register; what is answered."""
    document = {"redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "none", **members}
    headers = {"Content-Type": "application/json"}
    answer = request(stack.netloc, "POST", "/register", body=json.dumps(document), headers=headers)
    assert answer.status == 201, answer.body
    return dict(answer.json)


@requirement("AUTHZ-11", "REG-04")
@pytest.mark.parametrize("kind", ["document", "registered"])
def test_an_app_asks_a_token_for_the_open_api_and_for_no_other(opened: Stack, site: Site, kind: str) -> None:
    site.describe(seconds=3600)
    client = app() if kind == "document" else app(register(opened)["client_id"])
    sign_in = opened.sign_in(client, scope="notes:read offline_access", resource=API)
    tokens = opened.redeem(sign_in, resource=API).json
    claims = read_claims(tokens["access_token"])
    assert (claims["aud"], claims["scope"]) == (API, "notes:read")
    again = opened.refresh(sign_in, tokens["refresh_token"], resource=API).json
    assert read_claims(again["access_token"])["scope"] == "notes:read"
    asked = opened.authorize_parameters(client, scope="notes:read", resource=CLOSED)
    assert_page(opened.authorize(asked), says="This app can’t ask for that")


@requirement("REG-04", "MCP-03")
def test_an_app_has_the_scopes_of_apis_beside_what_it_names_and_no_others(opened: Stack, site: Site) -> None:
    made = register(opened, scope="openid notes:read")
    assert made["scope"] == "notes:read openid"
    further = opened.authorize_parameters(app(made["client_id"]), scope="openid notes:write", resource=API)
    assert opened.authorize(further).status == 200
    site.describe(scope="openid notes:read")
    asked = opened.authorize_parameters(app(), scope="openid notes:write", resource=API)
    assert opened.authorize(asked).status == 200
    for scope in ("openid email", "openid demo:notes:read"):
        assert_page(opened.authorize(opened.authorize_parameters(app(), scope=scope)))


@requirement("REG-04")
def test_where_no_api_is_open_an_app_has_what_it_names(make_stack: Callable[..., Stack], site: Site) -> None:
    stack = start_documents(make_stack, site, **{**SETTINGS, "open_registration_resources": frozenset()})
    assert register(stack, scope="openid notes:read")["scope"] == "notes:read openid"
    site.describe(URL)
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"notes:read"})))
    asked = stack.authorize_parameters(app(), scope="notes:read", resource=API)
    assert_page(stack.authorize(asked), says="This app can’t ask for that")


@requirement("MCP-05")
def test_the_metadata_lists_the_scopes_of_open_resources(opened: Stack) -> None:
    create_resource(opened.deployment, Resource(audience="https://more.example/", scopes=frozenset({"admin"})))
    told = request(opened.netloc, "GET", "/.well-known/oauth-authorization-server").json
    assert told["scopes_supported"] == ["email", "notes:read", "notes:write", "offline_access", "openid", "profile"]


@requirement("MCP-05")
def test_where_nobody_comes_unregistered_the_metadata_lists_our_own_scopes(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(**{**SETTINGS, "registration": "token"})
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"notes:read"})))
    told = request(stack.netloc, "GET", "/.well-known/oauth-authorization-server").json
    assert told["scopes_supported"] == ["email", "offline_access", "openid", "profile"]


@requirement("MCP-05")
@pytest.mark.parametrize("device", [True, False])
def test_the_metadata_lists_the_device_grant_only_where_such_clients_get_it(
    make_stack: Callable[..., Stack], device: bool
) -> None:
    stack = make_stack(registration="open", open_registration_device=device)
    told = request(stack.netloc, "GET", "/.well-known/oauth-authorization-server").json
    assert ("urn:ietf:params:oauth:grant-type:device_code" in told["grant_types_supported"]) is device
    assert told["device_authorization_endpoint"] == f"{stack.settings.issuer}/device_authorization"


@requirement("MCP-05")
def test_a_request_for_an_api_without_one_of_its_scopes_is_refused(opened: Stack, site: Site) -> None:
    site.describe(seconds=3600)
    asked = opened.authorize_parameters(app(), scope="openid profile", resource=API)
    assert_page(opened.authorize(asked))
    mine, _ = opened.client(scopes=frozenset({"openid", "notes:read"}), resources=frozenset({API}))
    answer = opened.authorize(opened.authorize_parameters(mine, scope="openid", resource=API))
    assert answer.answered["error"] == "invalid_scope"
