"""joserfc: keys and signatures, for apps and APIs that do their own requests; those are made with requests."""

import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import requests
from authlib.common.security import generate_token
from joserfc import jwk, jws, jwt
from joserfc.jwk import KeySet

from tests.interop.clients.apps import JOBS
from tests.interop.clients.python.authlib import sign_in
from tests.interop.clients.scene import Scene

API = (jwt, jws, jwk)


def keys(scene: Scene) -> None:
    """The ID token and the access token by the key set that the metadata names."""
    token = sign_in(scene, scene.public).token
    found = _keys_of(scene)
    _verify(token["id_token"], found, iss=scene.issuer, aud=scene.public.client_id)
    access = jwt.decode(token["access_token"], found, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    _verify(token["access_token"], found, iss=scene.issuer, aud=scene.issuer, client_id=scene.public.client_id)


def private_key_jwt(scene: Scene) -> None:
    """It signs the assertion."""
    app, now = scene.keyed, int(time.time())
    claims = {"iss": app.client_id, "sub": app.client_id, "aud": scene.issuer, "jti": generate_token(32)}
    header = {"alg": "ES256", "kid": app.key["kid"], "typ": "client-authentication+jwt"}
    signed = jwt.encode(header, {**claims, "iat": now, "exp": now + 60}, jwk.ECKey.import_key(dict(app.key)))
    form = {
        "grant_type": "client_credentials",
        "scope": JOBS,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    answer = requests.post(scene.metadata["token_endpoint"], form, timeout=10)
    assert answer.status_code == 200 and answer.json()["scope"] == JOBS, answer.text


def dpop(scene: Scene) -> None:
    """It signs the proofs, and says whose key the token is bound to."""
    key = jwk.ECKey.generate_key("P-256")
    basic, form = (scene.machine.client_id, scene.machine.secret), {"grant_type": "client_credentials"}
    url = scene.metadata["token_endpoint"]
    refused = requests.post(url, form, headers={"DPoP": _proof(key, url)}, auth=basic, timeout=10)
    assert refused.json()["error"] == "use_dpop_nonce", refused.text
    proof = _proof(key, url, nonce=refused.headers["DPoP-Nonce"])
    token = requests.post(url, form, headers={"DPoP": proof}, auth=basic, timeout=10).json()
    found = _keys_of(scene)
    claims = _verify(token["access_token"], found, client_id=scene.machine.client_id)
    assert token["token_type"] == "DPoP" and claims["cnf"] == {"jkt": key.thumbprint()}


def introspect(scene: Scene) -> None:
    """It verifies the answer that the broker signs for whoever asks for it (RFC 9701)."""
    token = sign_in(scene, scene.public).token["access_token"]
    basic, accept = (scene.api.client_id, scene.api.secret), {"Accept": "application/token-introspection+jwt"}
    endpoint = scene.metadata["introspection_endpoint"]
    answer = requests.post(endpoint, {"token": token}, headers=accept, auth=basic, timeout=10)
    signed = jwt.decode(answer.text, _keys_of(scene), algorithms=["ES256"])
    assert signed.header["typ"] == "token-introspection+jwt" and signed.claims["aud"] == scene.api.client_id
    assert signed.claims["token_introspection"]["active"] is True


def logout(scene: Scene) -> None:
    """It verifies the token by which an app is told that its user's session has ended."""
    held = sign_in(scene, scene.told).token["id_token"]
    parameters = urlencode({"id_token_hint": held, "post_logout_redirect_uri": scene.callback})
    scene.leave(f"{scene.metadata['end_session_endpoint']}?{parameters}")
    token = parse_qs(scene.tell())["logout_token"][0]
    assert jwt.decode(token, _keys_of(scene), algorithms=["ES256"]).header["typ"] == "logout+jwt"
    claims = _verify(token, _keys_of(scene), iss=scene.issuer, aud=scene.told.client_id)
    assert "http://schemas.openid.net/event/backchannel-logout" in claims["events"] and "nonce" not in claims
    assert claims["sid"] == _verify(held, _keys_of(scene))["sid"]


def _keys_of(scene: Scene) -> KeySet:
    return KeySet.import_key_set(requests.get(scene.metadata["jwks_uri"], timeout=10).json())


def _proof(key: jwk.ECKey, url: str, **more: str) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(
        header, {"htm": "POST", "htu": url, "iat": int(time.time()), "jti": generate_token(32), **more}, key
    )


def _verify(token: str, found: KeySet, **expected: str) -> dict[str, Any]:
    decoded = jwt.decode(token, found, algorithms=["ES256"])
    demands: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in expected.items()}
    jwt.JWTClaimsRegistry(exp={"essential": True}, **demands).validate(decoded.claims)
    claims: dict[str, Any] = decoded.claims
    return claims
