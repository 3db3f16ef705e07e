"""Clients that do not use OpenID Connect: they never ask for offline_access, and repeat what they registered."""

from collections.abc import Callable

import pytest

from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.stack import SignIn, Stack
from tests.kit.http.tokens import read_claims, refusal, start_session
from tests.kit.requirement import requirement

API = "https://mcp.example/mcp"
SCOPES = frozenset({"openid", "offline_access", "notes:read", "notes:write"})
GRANTS = frozenset({"authorization_code", "refresh_token"})


def start(stack: Stack, *, scope: str = "notes:read", grants: frozenset[str] = GRANTS) -> SignIn:
    """A sign-in for an API."""
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"notes:read", "notes:write"})))
    client, _ = stack.client(scopes=SCOPES, resources=frozenset({API}), grant_types=grants)
    return stack.sign_in(client, scope=scope, resource=API)


@requirement("OIDC-05")
def test_a_request_without_openid_gets_a_refresh_token_that_works(stack: Stack) -> None:
    sign_in = start(stack)
    tokens = stack.redeem(sign_in).json
    again = stack.refresh(sign_in, tokens["refresh_token"]).json
    assert read_claims(again["access_token"])["scope"] == "notes:read" and again["refresh_token"]


@requirement("OIDC-05")
def test_the_consent_page_says_that_access_lasts(stack: Stack) -> None:
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"notes:read"})))
    client, _ = stack.client(scopes=SCOPES, resources=frozenset({API}), grant_types=GRANTS)
    page = stack.authorize(stack.authorize_parameters(client, scope="notes:read", resource=API))
    assert "Access lasts" in page.body


@requirement("OIDC-05")
@pytest.mark.parametrize(
    ("scope", "grants"),
    [("openid notes:read", GRANTS), ("notes:read", frozenset({"authorization_code"}))],
    ids=["OpenID Connect", "not registered"],
)
def test_no_refresh_token_comes_unasked(stack: Stack, scope: str, grants: frozenset[str]) -> None:
    assert "refresh_token" not in stack.redeem(start(stack, scope=scope, grants=grants)).json


@requirement("OIDC-05")
def test_a_setting_turns_it_off(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(refresh_tokens_unasked=False)
    assert "refresh_token" not in stack.redeem(start(stack)).json


@requirement("REF-10")
def test_a_refresh_that_repeats_the_registered_scopes_gets_those_of_the_grant(stack: Stack) -> None:
    sign_in = start(stack)
    tokens = stack.redeem(sign_in).json
    again = stack.refresh(sign_in, tokens["refresh_token"], scope=" ".join(sorted(SCOPES)))
    assert again.status == 200, again.body
    assert read_claims(again.json["access_token"])["scope"] == "notes:read"
    more = stack.refresh(sign_in, again.json["refresh_token"], scope="notes:read admin")
    assert refusal(more) == (400, "invalid_scope")
    assert stack.refresh(sign_in, again.json["refresh_token"], scope="notes:write").json["scope"] == "notes:read"


@requirement("REF-10", "REF-01")
def test_a_refresh_narrows_to_the_granted_part_of_what_it_names(stack: Stack) -> None:
    session = start_session(stack)
    small = session.refresh(scope="openid email demo:notes:read").json
    assert small["scope"] == "demo:notes:read email openid"
