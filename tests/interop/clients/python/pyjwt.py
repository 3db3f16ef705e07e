"""PyJWT's PyJWKClient: finds the key that a token names in our key set."""

import jwt

from tests.interop.clients.python.authlib import sign_in
from tests.interop.clients.python.expecting import expect_error
from tests.interop.clients.scene import Scene

API = (jwt.PyJWKClient,)


def keys(scene: Scene) -> None:
    """The ID token and the access token; a changed one is refused."""
    token = sign_in(scene, scene.public).token
    client = jwt.PyJWKClient(scene.metadata["jwks_uri"])
    for part, audience in (("id_token", scene.public.client_id), ("access_token", scene.issuer)):
        key = client.get_signing_key_from_jwt(token[part])
        demands = {"require": ["exp", "iat", "iss", "sub", "aud"]}
        claims = jwt.decode(token[part], key, ["ES256"], audience=audience, issuer=scene.issuer, options=demands)
        assert claims["sub"]
    changed = token["access_token"][:-6] + "AAAAAA"
    with expect_error(jwt.InvalidSignatureError, "failed"):
        jwt.decode(changed, key, ["ES256"], audience=scene.issuer)
