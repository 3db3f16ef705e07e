"""ID tokens and the keys that they are signed with, right or wrong as the faults say."""

import secrets
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from local.fake.faults import Faults
from local.fake.grants import Family

Key = Any
Keys = list[tuple[str, Key]]
_SECONDS = 600


def new_key(algorithm: str = "ES256") -> Key:
    """A signing key of the kind that an algorithm wants; one RSA key does for a process: making one takes long."""
    if algorithm in ("RS256", "PS256"):
        return _rsa_key("")
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else ec.generate_private_key(ec.SECP256R1())


@cache
def _rsa_key(whose: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def new_keys(algorithm: str = "ES256") -> Keys:
    """A key set of one."""
    return [(secrets.token_hex(8), new_key(algorithm))]


def new_key_pair(algorithm: str) -> tuple[str, str]:
    """A private key and its public half, both in PEM, for an app that signs."""
    key, pem = new_key(algorithm), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def jwks(keys: Keys, algorithm: str = "ES256") -> dict[str, Any]:
    """The public halves (RFC 7517)."""
    kinds: dict[str, Any] = {"ES256": jwt.algorithms.ECAlgorithm, "EdDSA": jwt.algorithms.OKPAlgorithm}
    to_jwk = kinds.get(algorithm, jwt.algorithms.RSAAlgorithm).to_jwk
    return {
        "keys": [
            {**to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"} for kid, key in keys
        ]
    }


def build_id_token(
    family: Family,
    faults: Faults,
    keys: Keys,
    *,
    issuer: str,
    now: int,
    claims: dict[str, Any],
    algorithm: str = "ES256",
) -> str:
    """A signed ID token of one sign-in.

    claims   beside iss, sub, aud, iat, exp, auth_time and nonce
    """
    standard: dict[str, Any] = {
        "iss": "https://attacker.example" if faults.wrong_id_token_issuer else issuer,
        "sub": family.user.sub,
        "aud": "somebody-else" if faults.wrong_audience else family.client_id,
        "iat": now - (7200 if faults.expired_id_token else 0),
        "exp": now + (-3600 if faults.expired_id_token else _SECONDS),
        "auth_time": family.auth_time,
    }
    if family.acr:
        standard["acr"] = family.acr
    if family.nonce is not None:
        standard["nonce"] = "another-nonce" if faults.wrong_nonce else family.nonce
    kid, key = keys[0]
    if faults.unsigned:
        return jwt.encode({**standard, **claims}, "", algorithm="none", headers={"kid": kid})
    if faults.wrong_key:
        key = _rsa_key("somebody else's") if algorithm in ("RS256", "PS256") else new_key(algorithm)
    return jwt.encode({**standard, **claims}, key, algorithm=algorithm, headers={"kid": kid})


def profile_claims(family: Family, faults: Faults) -> dict[str, Any]:
    """What the scopes `profile` and `email` show of the user."""
    claims: dict[str, Any] = {}
    if "profile" in family.scopes:
        claims |= {"name": family.user.name, "preferred_username": family.user.login}
    if "email" in family.scopes and not faults.no_email:
        claims |= {"email": family.user.email, "email_verified": not faults.unverified_email}
    return claims
