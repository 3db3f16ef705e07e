"""A JOSE implementation written by others opens our tokens with nothing but our metadata."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError, InvalidKeyIdError
from joserfc.jwk import ECKey, KeySet, OctKey
from joserfc.jws import JWSRegistry

from tests.flow.stack import SignIn, Stack
from tests.requirement import requirement

Claims = dict[str, Any]


@pytest.fixture
def signed_in(stack: Stack) -> tuple[SignIn, Claims]:
    client, _ = stack.client()
    sign_in = stack.sign_in(client)
    return sign_in, stack.redeem(sign_in).json


def read_keys(stack: Stack) -> KeySet:
    """Our key set, found through our metadata."""
    metadata = requests.get(f"{stack.settings.issuer}/.well-known/openid-configuration", timeout=10).json()
    return KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())


def check(claims: Claims, **expected: Any) -> None:
    """By joserfc's own rules, expiry included."""
    named = {name: {"essential": True, "value": value} for name, value in expected.items()}
    jwt.JWTClaimsRegistry(**named, exp={"essential": True}, iat={"essential": True}, leeway=5).validate(claims)  # type: ignore[arg-type]


@requirement("META-01", "META-03")
def test_joserfc_verifies_the_access_token(stack: Stack, signed_in: tuple[SignIn, Claims]) -> None:
    sign_in, tokens = signed_in
    token = jwt.decode(tokens["access_token"], read_keys(stack), algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt" and token.header["kid"]
    issuer = stack.settings.issuer
    check(token.claims, iss=issuer, aud=issuer, client_id=sign_in.client.client_id)
    assert {"sub", "jti", "scope"} <= token.claims.keys()
    with pytest.raises(InvalidClaimError):
        check(token.claims, aud="https://api.example")


@requirement("META-01", "META-03")
def test_joserfc_verifies_the_id_token(stack: Stack, signed_in: tuple[SignIn, Claims]) -> None:
    sign_in, tokens = signed_in
    token = jwt.decode(tokens["id_token"], read_keys(stack), algorithms=["ES256"])
    check(token.claims, iss=stack.settings.issuer, aud=sign_in.client.client_id, nonce=sign_in.nonce)
    access = jwt.decode(tokens["access_token"], read_keys(stack), algorithms=["ES256"])
    assert token.claims["sub"] == access.claims["sub"]
    assert token.header["typ"] != "at+jwt"


@requirement("META-03")
def test_our_key_set_has_public_keys_with_names_of_their_own(stack: Stack) -> None:
    keys = read_keys(stack)
    names = [key.kid for key in keys]
    assert len(names) == len(set(names)) >= 1
    for key in keys:
        assert not key.is_private and key.alg == "ES256" and key.get("use") == "sig"
        assert key.thumbprint() == key.kid


@requirement("TOK-10", "INT-03")
@pytest.mark.parametrize("forge", ["another_key", "our_public_key_as_a_secret", "id_token"])
def test_what_joserfc_forges_is_no_access_token(stack: Stack, signed_in: tuple[SignIn, Claims], forge: str) -> None:
    _, tokens = signed_in
    genuine = jwt.decode(tokens["access_token"], read_keys(stack), algorithms=["ES256"])
    answer = stack.userinfo(_FORGERIES[forge](stack, genuine, tokens))
    assert answer.status == 401 and answer.json["error"] == "invalid_token"


def _another_key(stack: Stack, genuine: jwt.Token, tokens: Claims) -> str:
    forged = jwt.encode(genuine.header, genuine.claims, ECKey.generate_key("P-256"))
    with pytest.raises((BadSignatureError, InvalidKeyIdError)):
        jwt.decode(forged, read_keys(stack))
    return forged


def _public_key_as_a_secret(stack: Stack, genuine: jwt.Token, tokens: Claims) -> str:
    # joserfc will not take a PEM or DER public key as a secret; the JWK's text it takes.
    key = OctKey.import_key(json.dumps(read_keys(stack).keys[0].as_dict(private=False)))
    header = {**genuine.header, "alg": "HS256"}
    return jwt.encode(header, genuine.claims, key, registry=JWSRegistry(algorithms=["HS256"]))


def _id_token(stack: Stack, genuine: jwt.Token, tokens: Claims) -> str:
    return str(tokens["id_token"])


_FORGERIES: dict[str, Callable[[Stack, jwt.Token, Claims], str]] = {
    "another_key": _another_key,
    "our_public_key_as_a_secret": _public_key_as_a_secret,
    "id_token": _id_token,
}
