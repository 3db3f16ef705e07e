"""joserfc: keys and signatures, for apps and APIs that do their own requests; those are made with requests."""

from typing import Any

import requests
from joserfc import jwk, jws, jwt
from joserfc.jwk import KeySet

from tests.clients.python.authlib import sign_in
from tests.clients.scene import Scene

API = (jwt, jws, jwk)


def keys(scene: Scene) -> None:
    """The ID token and the access token by the key set that the metadata names."""
    token = sign_in(scene, scene.public).token
    found = KeySet.import_key_set(requests.get(scene.metadata["jwks_uri"], timeout=10).json())
    _verify(token["id_token"], found, iss=scene.issuer, aud=scene.public.client_id)
    access = jwt.decode(token["access_token"], found, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    _verify(token["access_token"], found, iss=scene.issuer, aud=scene.issuer, client_id=scene.public.client_id)


def _verify(token: str, found: KeySet, **expected: str) -> dict[str, Any]:
    decoded = jwt.decode(token, found, algorithms=["ES256"])
    demands: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in expected.items()}
    jwt.JWTClaimsRegistry(exp={"essential": True}, **demands).validate(decoded.claims)
    claims: dict[str, Any] = decoded.claims
    return claims
