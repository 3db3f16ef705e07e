"""The key of an agent that proves itself with a signature (RFC 7523)."""

import secrets
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_SECONDS = 300
KEY_ID = "agent"


class ClientKey:
    """An RSA key that is made for one run; `public` is its JWK."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.public: dict[str, Any] = {**public, "kid": KEY_ID, "alg": "RS256", "use": "sig"}

    def prove(self, client_id: str, audience: str) -> dict[str, str]:
        """The two parameters of a token request."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": secrets.token_hex(16),
        }
        signed = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
