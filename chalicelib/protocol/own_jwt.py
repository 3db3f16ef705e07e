"""Our own JWTs: signed with ES256, verified for exactly one type, issuer and audience (RFC 7519, RFC 8725, RFC 9068).

Rules of this file: the caller names the type, never the token; our headers have exactly three members, and another one
is refused; time comes as `now`. Every refusal is InvalidToken with a private reason.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jws import (
    MAX_TIME,
    check_times,
    decode_segment,
    encode_segment,
    is_signed,
    load_public_key,
    make_signature,
    read_object,
    take_apart,
)
from chalicelib.records.keyset import Key

ALGORITHM = "ES256"
MAX_TOKEN_LENGTH = 8192
AHEAD_SECONDS = 10
PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "kid", "alg", "use"})
REQUIRED_CLAIMS = {"at+jwt": ("client_id", "jti")}


def sign(claims: Mapping[str, Any], *, key: Key, typ: str) -> str:
    """A JWT by our own key. `key.secret` is PKCS#8 DER of a P-256 key, `key.kid` its thumbprint."""
    signing_input = f"{_header_segment(key.kid, typ)}.{encode_segment(msgspec.json.encode(claims))}"
    signature = make_signature(signing_input, ALGORITHM, _private_key(key.secret))
    return f"{signing_input}.{encode_segment(signature)}"


def verify_own(
    token: str,
    *,
    keys: Mapping[str, Mapping[str, str]],
    typ: str,
    issuer: str,
    audience: str | None,
    now: int,
    over: bool = False,
) -> dict[str, Any]:
    """The claims of a token that we signed ourselves.

    keys       kid -> public JWK, as published
    typ        "at+jwt" for access tokens: no other token of the broker is accepted as one (THREATS INT-03)
    audience   the one string that `aud` must be; None where the caller compares it (introspection)
    over       its `exp` may have passed: it is a hint, and opens nothing

    No leeway at `exp`; `iat` and `nbf` may lie 10 s ahead, since clocks differ.
    """
    parts = take_apart(token, max_length=MAX_TOKEN_LENGTH)
    jwk = keys.get(_read_header(parts.header_segment, typ))
    if jwk is None:
        raise InvalidToken("kid_unknown")
    if not is_signed(parts, ALGORITHM, _public_key(jwk.get("crv", ""), jwk.get("x", ""), jwk.get("y", ""))):
        raise InvalidToken("signature_wrong")
    claims = read_object(parts.payload)
    if claims.get("iss") != issuer:
        raise InvalidToken("issuer_wrong")
    _check_claims(claims, typ=typ, audience=audience)
    check_times(claims, now=now, late=MAX_TIME if over else 0, early=AHEAD_SECONDS)
    return claims


def new_signing_key() -> bytes:
    """A new P-256 key from the operating system's generator, PKCS#8 DER."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_jwk(der: bytes) -> dict[str, str]:
    """The public key of a signing key as published in the key set; `kid` is its RFC 7638 thumbprint."""
    numbers = _private_key(der).public_key().public_numbers()
    point = {"crv": "P-256", "kty": "EC", "x": _encode_number(numbers.x), "y": _encode_number(numbers.y)}
    canonical = json.dumps(point, sort_keys=True, separators=(",", ":")).encode()
    kid = encode_segment(hashlib.sha256(canonical).digest())
    return point | {"kid": kid, "alg": ALGORITHM, "use": "sig"}


def jwks_document(jwks: Sequence[Mapping[str, str]]) -> dict[str, list[dict[str, str]]]:
    """The key set that we publish (RFC 7517 section 5).

    Raises ValueError where a member is not one of the public seven, one is missing, or a kid comes twice: a private
    member can never be serialised (THREATS META-03).
    """
    if any(set(jwk) != PUBLIC_MEMBERS for jwk in jwks):
        raise ValueError("a published key must have exactly the public members")
    if len({jwk["kid"] for jwk in jwks}) != len(jwks):
        raise ValueError("two published keys have one kid")
    return {"keys": [dict(jwk) for jwk in jwks]}


@lru_cache(maxsize=16)
def _header_segment(kid: str, typ: str) -> str:
    return encode_segment(msgspec.json.encode({"alg": ALGORITHM, "kid": kid, "typ": typ}))


@lru_cache(maxsize=64)
def _read_header(segment: str, typ: str) -> str:
    """The kid of a header that has exactly what ours have. Ours are few, so they are remembered; refusals are not."""
    header = read_object(decode_segment(segment), unique=True)
    if header.keys() != {"alg", "kid", "typ"}:
        raise InvalidToken("header_members")
    if header["alg"] != ALGORITHM:
        raise InvalidToken("algorithm_wrong")
    if header["typ"] != typ:
        raise InvalidToken("type_wrong")
    if not isinstance(header["kid"], str):
        raise InvalidToken("kid_unknown")
    return header["kid"]


@lru_cache(maxsize=16)
def _private_key(der: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(der, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a signing key must be of P-256")
    return key


@lru_cache(maxsize=64)
def _public_key(crv: str, x: str, y: str) -> Any:
    return load_public_key(ALGORITHM, json.dumps({"kty": "EC", "crv": crv, "x": x, "y": y}))


def _check_claims(claims: Mapping[str, Any], *, typ: str, audience: str | None) -> None:
    told = claims.get("aud")
    if not isinstance(told, str) or (audience is not None and told != audience):
        raise InvalidToken("audience_wrong")
    for name in ("sub", *REQUIRED_CLAIMS.get(typ, ())):
        value = claims.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidToken("claim_missing")


def _encode_number(number: int) -> str:
    return encode_segment(number.to_bytes(32, "big"))
