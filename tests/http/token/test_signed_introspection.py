"""Introspection as a signed JWT (RFC 9701): who gets it, what stands in it, and that it is nothing else."""

import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from tests.kit.http.browser import FORM, Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, start_session
from tests.kit.requirement import requirement

KIND = "application/token-introspection+jwt"
POST = {"token_endpoint_auth_method": "client_secret_post"}


@pytest.fixture
def session(stack: Stack) -> Session:
    return start_session(stack)


def introspect(stack: Stack, asker: Any, token: str, accept: str | None = KIND) -> Answer:
    client, secret = asker
    form = urlencode({"client_id": client.client_id, "client_secret": secret, "token": token})
    headers = {"Content-Type": FORM, **({} if accept is None else {"Accept": accept})}
    return request(stack.netloc, "POST", "/introspect", body=form, headers=headers)


def asker_of(stack: Stack, *audiences: str) -> Any:
    return stack.client(**POST, serves=frozenset(audiences or (stack.settings.issuer,)))


def read_signed(stack: Stack, answer: Answer, audience: str) -> dict[str, Any]:
    """As a resource server does it, with somebody else's library."""
    assert (answer.status, answer.header("content-type")) == (200, KIND)
    header = jwt.get_unverified_header(answer.body)
    assert header["typ"] == "token-introspection+jwt"
    (key,) = [one for one in stack.get("/jwks").json["keys"] if one["kid"] == header["kid"]]
    allowed = stack.get("/.well-known/oauth-authorization-server").json["introspection_signing_alg_values_supported"]
    issuer = stack.settings.issuer
    return dict(jwt.decode(answer.body, jwt.PyJWK(key), algorithms=allowed, audience=audience, issuer=issuer))


@requirement("INT-04", "META-02")
def test_who_asks_for_it_gets_what_it_would_get_as_json_signed_for_itself(stack: Stack, session: Session) -> None:
    asker = asker_of(stack)
    plain = introspect(stack, asker, session.access, None)
    assert plain.header("content-type") == "application/json"
    signed = introspect(stack, asker, session.access)
    assert signed.header("cache-control") == "no-store"
    claims = read_signed(stack, signed, asker[0].client_id)
    assert claims == {
        "iss": stack.settings.issuer, "aud": asker[0].client_id, "iat": stack.clock.now(),
        "token_introspection": plain.json,
    }  # fmt: skip
    assert plain.json["active"] is True and plain.json["sub"] == session.claims["sub"]


@requirement("INT-04", "INT-01")
def test_of_what_is_not_live_or_not_for_the_asker_it_says_nothing_else(stack: Stack, session: Session) -> None:
    stranger = asker_of(stack, "https://other.example")
    for asker, token in ((asker_of(stack), "x"), (stranger, session.access), (asker_of(stack), session.refresh_token)):
        claims = read_signed(stack, introspect(stack, asker, token), asker[0].client_id)
        assert claims["token_introspection"] == {"active": False}
    public, _ = stack.client()
    assert introspect(stack, (public, ""), session.access).status == 401


@requirement("INT-04", "INT-03")
def test_it_is_no_token(stack: Stack, session: Session) -> None:
    asker = asker_of(stack)
    said = introspect(stack, asker, session.access).body
    assert stack.userinfo(said).status == 401
    assert json.loads(introspect(stack, asker, said, None).body) == {"active": False}
    refused = session.exchange(said)
    assert (refused.status, refused.json["error"]) == (400, "invalid_request")


@requirement("INT-04")
@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        (None, False), ("*/*", False), ("application/*", False), ("application/json", False),
        ("application/jwt", False), (f"{KIND};q=0", False), (f"application/json, {KIND};q=0.5", False),
        (f"{KIND};q=x", False), (f"{KIND};q=inf", False), ("", False),
        (KIND.upper(), True), (f"{KIND}, application/json", True), (f"application/json;q=0.9, {KIND}", True),
        (f"text/html,{KIND};q=0.1", True),
    ],
)  # fmt: skip
def test_json_stays_what_everybody_else_gets(stack: Stack, session: Session, accept: str | None, signed: bool) -> None:
    answer = introspect(stack, asker_of(stack), session.access, accept)
    assert (answer.status, answer.header("content-type")) == (200, KIND if signed else "application/json")
