"""Proofs of possession for tests, good ones and altered ones.

The signatures are joserfc's, a library written by others; what it would not sign is put together by hand.
"""

import base64
import hashlib
import hmac
import json
import secrets
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512", "RS256"]
REGISTRY = joserfc_jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The other way."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hash_of(token: str) -> str:
    """`ath` of an access token."""
    return b64(hashlib.sha256(token.encode()).digest())


class ProofKey:
    """A key of a client's own; it proves that it is held."""

    def __init__(self, key: Any = None, algorithm: str = "ES256") -> None:
        self.key = key or ECKey.generate_key("P-256")
        self.algorithm = algorithm

    @property
    def public(self) -> dict[str, Any]:
        """The public JWK."""
        return {name: value for name, value in self.key.as_dict(private=False).items() if name != "kid"}

    @property
    def jkt(self) -> str:
        """By joserfc, RFC 7638."""
        return str(self.key.thumbprint())

    def prove(
        self, method: str, url: str, *, now: int, token: str | None = None, nonce: str | None = None, **claims: Any
    ) -> str:
        """One proof; `claims` are laid over the good ones, None takes one out."""
        good = {"htm": method, "htu": url, "iat": now, "jti": secrets.token_urlsafe(16), "nonce": nonce}
        if token is not None:
            good["ath"] = hash_of(token)
        content = {name: value for name, value in (good | claims).items() if value is not None}
        header = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.public}
        return self.sign(json.dumps(header), json.dumps(content))

    def sign(self, header: str, claims: str) -> str:
        """Whatever stands there, signed by this key's own algorithm."""
        signing_input = f"{b64(header.encode())}.{b64(claims.encode())}"
        algorithm = REGISTRY.get_alg(self.algorithm)
        return f"{signing_input}.{b64(algorithm.sign(signing_input.encode(), self.key))}"


@cache
def key_of(kind: str) -> ProofKey:
    """One key of each kind, made once."""
    if kind == "ed":
        return ProofKey(OKPKey.generate_key("Ed25519"), "EdDSA")
    if kind.startswith("ec"):
        curves = {"ec": ("P-256", "ES256"), "ec384": ("P-384", "ES384"), "ec521": ("P-521", "ES512")}
        return ProofKey(ECKey.generate_key(curves[kind][0]), curves[kind][1])
    bits, exponent = {"rsa": (2048, 65537), "rsa1024": (1024, 65537), "rsa3": (2048, 3)}[kind]
    private = rsa.generate_private_key(exponent, bits)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ProofKey(RSAKey.import_key(pem), "PS256")


def sign_somehow(key: ProofKey, signing_input: str, signed_by: str) -> bytes:
    """A signature, or what stands in its place."""
    if signed_by == "right":
        return REGISTRY.get_alg(key.algorithm).sign(signing_input.encode(), key.key)
    if signed_by == "stranger":
        return REGISTRY.get_alg("ES256").sign(signing_input.encode(), ECKey.generate_key("P-256"))
    if signed_by == "hmac_of_key":
        return hmac.new(json.dumps(key.public).encode(), signing_input.encode(), hashlib.sha256).digest()
    return {"zero": bytes(64), "nothing": b""}[signed_by]
