"""demo/mcp/guard.py: what an MCP server lets through, and what it tells those it does not (RFC 9728, RFC 6750)."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

from chalicelib.records.item_keys import client_item_key
from chalicelib.records.resource import Resource
from chalicelib.records.revocation import Revocation
from cli.deployment.operations import create_resource
from demo.mcp import guard as module
from demo.mcp.guard import Guard, Refused
from tests.kit.http.stack import Stack, own_parts
from tests.kit.http.tokens import Session, change, sign
from tests.kit.requirement import requirement

MCP, OTHER = "http://127.0.0.1:1/mcp", "http://127.0.0.1:1/other"
SCOPE = "openid offline_access notes:read"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker of its own under the real clock: PyJWT reads no other."""
    with own_parts() as parts:
        stack = Stack(parts)
        for audience in (MCP, OTHER):
            create_resource(
                stack.deployment, Resource(audience=audience, scopes=frozenset({"notes:read", "notes:write"}))
            )
        yield stack


@pytest.fixture(scope="module")
def session(stack: Stack) -> Session:
    """An agent that may read."""
    client, _ = stack.client(scopes=frozenset({*SCOPE.split(), "notes:write"}), resources=frozenset({MCP, OTHER}))
    sign_in = stack.sign_in(client, scope=SCOPE, resource=MCP)
    return Session(stack, sign_in, stack.redeem(sign_in).json)


@pytest.fixture(scope="module")
def asks(stack: Stack) -> tuple[str, str]:
    """Who asks the broker about tokens."""
    method = {"token_endpoint_auth_method": "client_secret_basic"}
    client, secret = stack.client(serves=frozenset({MCP}), redirect_uris=(), **method)
    return client.client_id, secret or ""


@pytest.fixture(params=["offline", "introspection"])
def guard(request: pytest.FixtureRequest, stack: Stack, asks: tuple[str, str]) -> Guard:
    """Of both kinds."""
    introspect_as = asks if request.param == "introspection" else None
    return Guard(resource=MCP, issuer=stack.settings.issuer, scopes=("notes:read",), introspect_as=introspect_as)


def refused(guard: Guard, token: str | None, *needed: str) -> Refused:
    """It raises; what it says."""
    with pytest.raises(Refused) as caught:
        guard.check(None if token is None else f"Bearer {token}", *needed)
    return caught.value


@requirement("MCP-01")
def test_the_metadata_says_who_the_authorization_server_is(guard: Guard, stack: Stack) -> None:
    assert guard.metadata_path == "/.well-known/oauth-protected-resource/mcp"
    assert guard.metadata_url == "http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp"
    assert guard.metadata() == {
        "resource": MCP,
        "authorization_servers": [stack.settings.issuer],
        "scopes_supported": ["notes:read"],
        "bearer_methods_supported": ["header"],
    }
    bare = Guard(resource="https://mcp.example", issuer="https://b.example", scopes=())
    assert bare.metadata_url == "https://mcp.example/.well-known/oauth-protected-resource"


@requirement("MCP-02")
def test_a_token_for_this_server_is_good(guard: Guard, session: Session) -> None:
    token = guard.check(f"Bearer {session.access}")
    assert (token.sub, token.client_id) == (session.claims["sub"], session.client.client_id)
    assert token.scopes == {"notes:read"}
    assert guard.check(f"bearer {session.access}", "notes:read").sub == token.sub


@requirement("MCP-01")
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "DPoP x", "x"])
def test_without_a_token_it_says_where_to_begin(guard: Guard, header: str | None) -> None:
    with pytest.raises(Refused) as caught:
        guard.check(header)
    metadata = "http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp"
    assert caught.value.status == 401
    challenge = f'Bearer scope="notes:read", resource_metadata="{metadata}"'
    assert caught.value.headers["WWW-Authenticate"] == challenge


@requirement("MCP-03")
def test_without_the_scope_it_says_which_ones_all_at_once(guard: Guard, session: Session) -> None:
    refusal = refused(guard, session.access, "notes:read", "notes:write")
    assert refusal.status == 403
    said = refusal.headers["WWW-Authenticate"]
    assert said.startswith('Bearer error="insufficient_scope", scope="notes:read notes:write", resource_metadata="http')


def spoilt(session: Session) -> dict[str, str]:
    """What looks like a token for this server and is none."""
    stack, claims = session.stack, session.claims
    header, payload, signature = session.access.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    more = base64.urlsafe_b64encode(json.dumps({**claims, "scope": "notes:write notes:read"}).encode()).rstrip(b"=")
    own = stack.token(session.client, grant_type="refresh_token", refresh_token=session.refresh_token,
                      resource=stack.settings.issuer).json  # fmt: skip
    past = int(time.time()) - 1000
    without_client = {name: value for name, value in claims.items() if name != "client_id"}
    return {
        "nonsense": "x.y.z",
        "no signature": f"{header}.{payload}.",
        "no algorithm": f"{none}.{payload}.",
        "another payload": f"{header}.{more.decode()}.{signature}",
        "another signature": f"{header}.{payload}.{signature[:-4]}AAAA",
        "a secret for a key": jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"typ": "at+jwt"}),
        "a token for the broker": own["access_token"],
        "an ID token": session.tokens["id_token"],
        "an ID token for this audience": sign(stack, {**claims, "aud": MCP}, typ="JWT"),
        "two audiences": sign(stack, {**claims, "aud": [MCP, OTHER]}),
        "another server's": sign(stack, {**claims, "aud": OTHER}),
        "the server's with a slash": sign(stack, {**claims, "aud": f"{MCP}/"}),
        "another issuer's": sign(stack, {**claims, "iss": "https://other.example"}),
        "over": sign(stack, {**claims, "iat": past - 600, "exp": past}),
        "of nobody": sign(stack, without_client),
    }


@requirement("MCP-02")
def test_what_is_not_for_this_server_is_refused(guard: Guard, session: Session) -> None:
    for what, token in spoilt(session).items():
        refusal = refused(guard, token)
        assert (refusal.status, refusal.reason) == (401, "token_refused"), what
        assert 'error="invalid_token"' in refusal.headers["WWW-Authenticate"], what


@requirement("MCP-02")
def test_asking_the_broker_notices_at_once_what_offline_learns_ten_minutes_later(
    stack: Stack, asks: tuple[str, str]
) -> None:
    client, _ = stack.client(scopes=frozenset(SCOPE.split()), resources=frozenset({MCP}))
    sign_in = stack.sign_in(client, scope=SCOPE, resource=MCP)
    token = f"Bearer {stack.redeem(sign_in).json['access_token']}"
    shared: dict[str, Any] = {"resource": MCP, "issuer": stack.settings.issuer, "scopes": ("notes:read",)}
    offline, online = Guard(**shared), Guard(**shared, introspect_as=asks)
    assert offline.check(token).client_id == online.check(token).client_id == client.client_id
    change(stack, client_item_key(client.client_id), marks=Revocation(disabled=True))
    assert offline.check(token)
    with pytest.raises(Refused) as caught:
        online.check(token)
    assert caught.value.status == 401


@requirement("MCP-02")
def test_a_broker_that_does_not_answer_lets_nobody_through(guard: Guard, session: Session) -> None:
    away = Guard(resource=MCP, issuer="http://127.0.0.1:1", scopes=("notes:read",), introspect_as=guard._introspect_as)
    assert refused(away, session.access).status == 503


@requirement("MCP-02")
def test_metadata_of_another_issuer_is_not_believed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"issuer": "https://other.example", "jwks_uri": "https://other.example/jwks"}
    monkeypatch.setattr(module, "_fetch", lambda url, *_: told)
    guard = Guard(resource=MCP, issuer="https://b.example", scopes=("notes:read",))
    assert (refused(guard, session.access).status, refused(guard, session.access).reason) == (503, "another_issuer")


@requirement("MCP-02")
def test_unknown_keys_cause_one_fetch_a_minute(stack: Stack, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real: Callable[..., Any] = module._fetch
    monkeypatch.setattr(module, "_fetch", lambda url, *more: asked.append(url) or real(url, *more))
    guard = Guard(resource=MCP, issuer=stack.settings.issuer, scopes=("notes:read",))
    key = jwt.algorithms.ECAlgorithm.from_jwk(NOBODYS)
    for number in range(5):
        headers = {"typ": "at+jwt", "kid": f"unknown-{number}"}
        assert refused(guard, jwt.encode(session.claims, key, algorithm="ES256", headers=headers)).status == 401
    assert [url.rpartition("/")[2] for url in asked] == ["oauth-authorization-server", "jwks"]
    assert guard.check(f"Bearer {session.access}")


@requirement("MCP-02")
def test_no_redirect_is_followed() -> None:
    handler = module._NoRedirect()
    request = urllib.request.Request("http://127.0.0.1/")
    assert handler.redirect_request(request, None, 302, "Found", {}, "http://127.0.0.1:1/") is None


NOBODYS = json.dumps(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
        "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
        "d": "Hndv7ZZjs_ke8o9zXYo3iq-Yr8SewI5vrqd0pAvEPqg",
    }
)
