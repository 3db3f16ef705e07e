"""Assertions made by others are taken: Authlib, PyJWT, and the MCP SDK as they make them through their public API."""

import asyncio
import time
from typing import Any

import jwt
import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mcp.client.auth.extensions.client_credentials import SignedJWTParameters

from chalicelib.records.client import Client
from tests.flow.assertions import ClientKey, as_form, good_claims, new_key
from tests.flow.stack import APP, Stack
from tests.oracles.person import walk
from tests.requirement import requirement

MACHINE: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": frozenset({"client_credentials"}),
    "redirect_uris": (),
    "scopes": frozenset({"jobs:run"}),
    "handout": "none",
}


@pytest.fixture
def wall(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The libraries look at the clock on the wall."""
    monkeypatch.setattr(stack.clock, "now", lambda: int(time.time()))
    return stack


def pem(key: ClientKey) -> str:
    private = key.private.private_key
    return str(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def post(stack: Stack, assertion: str, **form: str) -> int:
    content = {"grant_type": "client_credentials", **as_form(assertion), **form}
    return requests.post(f"{stack.settings.issuer}/token", data=content, timeout=20).status_code


def authlib(stack: Stack, client: Client, key: ClientKey, **assertion: Any) -> OAuth2Session:
    """Told the audience and the life of its assertions, which it would choose otherwise."""

    class ForUs(PrivateKeyJWT):
        def sign(self, auth: Any, token_endpoint: str) -> Any:
            self.claims = {"exp": int(time.time()) + 60, **assertion}
            return super().sign(auth, stack.settings.issuer)

    session = OAuth2Session(
        client.client_id, key.private, token_endpoint_auth_method="private_key_jwt", redirect_uri=APP,
        scope=" ".join(sorted(client.scopes)),
        revocation_endpoint_auth_method="private_key_jwt", code_challenge_method="S256",
    )  # fmt: skip
    session.register_client_auth_method(ForUs(alg=key.algorithm, headers={"kid": key.kid}))
    return session


@requirement("TOK-05", "META-02")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519"])
def test_authlib_signs_in_refreshes_and_revokes_with_its_key(wall: Stack, algorithm: str) -> None:
    key = new_key(algorithm)
    client, _ = wall.client(token_endpoint_auth_method="private_key_jwt", jwks=(key.public,))
    session, issuer = authlib(wall, client, key), wall.settings.issuer
    verifier = "authlib-" + "v" * 40
    url, state = session.create_authorization_url(f"{issuer}/authorize", code_verifier=verifier, nonce="n" * 20)
    callback = walk(wall, url, lambda there: wall.provider.sign_in(there, "alice"))
    old = session.fetch_token(f"{issuer}/token", authorization_response=callback, state=state, code_verifier=verifier)
    assert session.get(f"{issuer}/userinfo").json()["name"].startswith("Alice")
    fresh = session.refresh_token(f"{issuer}/token", refresh_token=old["refresh_token"])
    assert fresh["access_token"] != old["access_token"]
    assert session.revoke_token(f"{issuer}/revoke", token=fresh["refresh_token"]).status_code == 200
    assert session.get(f"{issuer}/userinfo").status_code == 401


@requirement("TOK-05")
def test_an_assertion_of_authlib_is_accepted_for_an_hour_and_never_again(wall: Stack) -> None:
    key = new_key()
    client, _ = wall.client(**MACHINE, jwks=(key.public,))
    hour = authlib(wall, client, key, exp=int(time.time()) + 3600)
    assert hour.fetch_token(f"{wall.settings.issuer}/token", grant_type="client_credentials")["access_token"]
    for claims in ({"exp": int(time.time()) + 7200}, {"aud": f"{wall.settings.issuer}/token"}):
        with pytest.raises(OAuthError, match="invalid_client"):
            authlib(wall, client, key, **claims).fetch_token(
                f"{wall.settings.issuer}/token", grant_type="client_credentials"
            )
    session = authlib(wall, client, key, jti="the same each time")
    session.fetch_token(f"{wall.settings.issuer}/token", grant_type="client_credentials")
    with pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token(f"{wall.settings.issuer}/token", grant_type="client_credentials")


@requirement("TOK-05")
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256", "RS256", "EdDSA"])
def test_an_assertion_of_pyjwt_is_taken(wall: Stack, algorithm: str) -> None:
    key = new_key(algorithm)
    client, _ = wall.client(**MACHINE, jwks=(key.public,))
    claims = good_claims(wall.settings.issuer, client.client_id, int(time.time()))
    token = jwt.encode(claims, pem(key), algorithm=algorithm, headers={"kid": key.kid})
    assert post(wall, token) == 200
    assert post(wall, token) == 401


@requirement("TOK-05")
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_an_assertion_of_the_mcp_sdk_is_taken_as_it_makes_it(wall: Stack, algorithm: str) -> None:
    """It names no key and lives for five minutes."""
    key = new_key(algorithm)
    client, _ = wall.client(**MACHINE, jwks=(key.public,))
    signing = SignedJWTParameters(
        issuer=client.client_id, subject=client.client_id, signing_key=pem(key), signing_algorithm=algorithm
    )
    assertion = asyncio.run(signing.create_assertion_provider()(wall.settings.issuer))  # type: ignore[arg-type]
    assert post(wall, assertion, client_id=client.client_id) == 200
