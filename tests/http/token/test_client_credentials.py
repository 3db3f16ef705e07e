"""A client for itself (RFC 6749 section 4.4): no user, no provider, no refresh token."""

from typing import Any

import pytest

from chalicelib.records.client import Client
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL, read_claims, refusal
from tests.kit.requirement import requirement

API, OTHER = "https://api.example", "https://other.example"
Itself = tuple[Client, str | None]


@pytest.fixture
def itself(stack: Stack) -> Itself:
    """Registered for users' scopes, a provider's and an API's; for one of two resources."""
    for uri in (API, OTHER):
        create_resource(stack.deployment, Resource(audience=uri, scopes=frozenset({"orders:read"}), token_seconds=90))
    fields: dict[str, Any] = {
        "grant_types": frozenset({"client_credentials"}),
        "scopes": frozenset({*SCOPE.split(), "orders:read", "reports:read"}),
        "resources": frozenset({API}),
    }
    return stack.client(**CONFIDENTIAL, **fields)


@requirement("TOK-08", "XCH-03")
def test_a_client_gets_what_is_its_own_and_nothing_that_speaks_of_a_user(stack: Stack, itself: Itself) -> None:
    answer = stack.token(*itself, grant_type="client_credentials")
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    claims = read_claims(answer.json["access_token"])
    assert claims["scope"] == answer.json["scope"] == "orders:read reports:read"
    assert claims["sub"] == claims["client_id"] == itself[0].client_id
    assert claims["aud"] == stack.settings.issuer
    assert not {"grant_id", "connections", "provider", "auth_time"} & claims.keys()
    assert refusal(stack.userinfo(answer.json["access_token"])) == (403, "insufficient_scope")


@requirement("TOK-08", "XCH-03")
@pytest.mark.parametrize("scope", ["openid", "offline_access", "demo:notes:read", "orders:write", "orders:read openid"])
def test_scopes_of_users_and_providers_and_unknown_ones_are_refused(stack: Stack, itself: Itself, scope: str) -> None:
    assert refusal(stack.token(*itself, grant_type="client_credentials", scope=scope)) == (400, "invalid_scope")


@requirement("VLT-12")
def test_a_token_for_a_resource_has_its_scopes_and_its_life_alone(stack: Stack, itself: Itself) -> None:
    answer = stack.token(*itself, grant_type="client_credentials", resource=API).json
    claims = read_claims(answer["access_token"])
    assert (claims["aud"], claims["scope"], answer["expires_in"]) == (API, "orders:read", 90)
    assert claims["exp"] - claims["iat"] == 90
    refused = stack.token(*itself, grant_type="client_credentials", resource=OTHER)
    assert refusal(refused) == (400, "invalid_target")
