"""Token exchange for a narrower token of ours (RFC 8693): never more than the subject token, never turned around."""

from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key, resource_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, change, read_claims, refusal, sign, start_session
from tests.kit.requirement import requirement

API, OTHER = "https://api.example", "https://other.example"


@pytest.fixture
def session(stack: Stack) -> Session:
    """An app with two APIs, of which its user allowed one; its token is for us."""
    for audience in (API, OTHER):
        create_resource(
            stack.deployment, Resource(audience=audience, scopes=frozenset({"orders:read", "orders:write"}))
        )
    scopes = frozenset([*SCOPE.split(), "orders:read", "orders:write"])
    client, secret = stack.client(scopes=scopes, resources=frozenset({API, OTHER}), handout="none", **CONFIDENTIAL)
    asked = {"scope": f"{SCOPE} orders:read", "resource": API}
    sign_in = stack.sign_in(client, secret, **asked)
    return Session(stack, sign_in, stack.redeem(sign_in, resource=stack.settings.issuer).json)


def narrow(session: Session, token: str | None = None, **changed: str | None) -> Any:
    return session.exchange(token, audience=None, **{"resource": API, **changed})


@requirement("XCH-03")
def test_a_token_for_us_becomes_one_for_an_api_that_the_user_allowed(stack: Stack, session: Session) -> None:
    with stack.dynamodb.counted() as calls:
        answer = narrow(session)
    assert answer.status == 200 and answer.json["scope"] == "orders:read" and sum(calls.values()) == 1
    assert answer.json.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    claims, before = read_claims(answer.json["access_token"]), session.claims
    assert (claims["aud"], claims["scope"], claims["sub"]) == (API, "orders:read", before["sub"])
    assert claims["auth_time"] == before["auth_time"] and claims["jti"] != before["jti"]
    assert not {"connections", "act", "cnf"} & claims.keys()
    server = stack.client(**CONFIDENTIAL, serves=frozenset({API}))
    assert stack.post("/introspect", *server, token=answer.json["access_token"]).json["active"] is True
    assert stack.userinfo(answer.json["access_token"]).status == 401


@requirement("XCH-03")
def test_it_lives_no_longer_than_the_subject_token_and_the_api_allows(stack: Stack, session: Session) -> None:
    stack.clock.advance(200)
    first = narrow(session).json
    assert read_claims(first["access_token"])["exp"] == session.claims["exp"] and first["expires_in"] == 400
    change(stack, resource_item_key(API), token_seconds=60)
    stack.clock.advance(11)
    assert narrow(session).json["expires_in"] == 60


@requirement("XCH-03", "VLT-12")
def test_a_token_for_an_api_is_no_subject_token(stack: Stack, session: Session) -> None:
    token = narrow(session).json["access_token"]
    for resource in (API, stack.settings.issuer):
        assert refusal(narrow(session, token, resource=resource)) == (400, "invalid_request")
    assert refusal(session.exchange(token)) != (200, "")


@requirement("XCH-03")
def test_never_more_scope_than_the_subject_token_has(stack: Stack, session: Session) -> None:
    for scope in ("orders:write", "orders:read orders:write", "demo:notes:write"):
        assert refusal(narrow(session, scope=scope)) == (400, "invalid_scope")
    small = narrow(session, resource=stack.settings.issuer, scope="openid").json
    assert small["scope"] == "openid"
    again = narrow(session, small["access_token"])
    assert refusal(again) == (400, "invalid_scope"), "what the first exchange left out stays out"


@requirement("XCH-03")
def test_only_apis_that_user_and_operator_allow(stack: Stack, session: Session) -> None:
    for resource in (OTHER, "https://unknown.example", API + "/", "demo"):
        assert refusal(narrow(session, resource=resource)) == (400, "invalid_target"), resource
    change(stack, client_item_key(session.client.client_id), resources=frozenset({OTHER}))
    stack.restart()
    assert refusal(narrow(session)) == (400, "invalid_target")


@requirement("XCH-03", "XCH-02")
def test_only_the_apps_own_token_and_only_while_it_is_good(stack: Stack, session: Session) -> None:
    stranger = start_session(stack)
    assert refusal(narrow(session, stranger.access)) == (400, "invalid_request")
    stack.post("/revoke", session.client, session.sign_in.secret, token=session.access)
    assert refusal(narrow(session)) == (400, "invalid_request")


@requirement("XCH-03")
@pytest.mark.parametrize("name", ["act", "may_act", "authorization_details"])
def test_what_nobody_here_understands_of_a_token_fails_closed(stack: Stack, session: Session, name: str) -> None:
    """An app narrows its own tokens; of who acts one speaks only where somebody does (test_acting.py)."""
    constrained = sign(stack, {**session.claims, name: {"sub": "agent"}})
    assert refusal(narrow(session, constrained)) == (400, "invalid_request")


@requirement("XCH-06")
def test_what_came_of_a_token_ends_with_it_and_with_no_other(stack: Stack, session: Session) -> None:
    server = stack.client(**CONFIDENTIAL, serves=frozenset({API, stack.settings.issuer}))

    def is_active(token: str) -> bool:
        return bool(stack.post("/introspect", *server, token=token).json["active"])

    assert is_active(session.access)
    ours = narrow(session, resource=stack.settings.issuer).json["access_token"]
    of_ours, sibling = narrow(session, ours).json["access_token"], narrow(session).json["access_token"]
    assert read_claims(of_ours)["derived_from"] == [session.claims["jti"], read_claims(ours)["jti"]]
    app = session.client, session.sign_in.secret
    stack.post("/revoke", *app, token=ours)
    assert [is_active(one) for one in (session.access, ours, of_ours, sibling)] == [True, False, False, True]
    assert refusal(narrow(session, ours)) == (400, "invalid_request")
    stack.post("/revoke", *app, token=session.access)
    assert not is_active(sibling)


@requirement("XCH-06")
def test_a_token_comes_of_eight_others_at_most(stack: Stack, session: Session) -> None:
    token = session.access
    for _ in range(8):
        token = narrow(session, token, resource=stack.settings.issuer).json["access_token"]
    assert refusal(narrow(session, token)) == (400, "invalid_request")
