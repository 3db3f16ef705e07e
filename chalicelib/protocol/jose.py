"""The one place that signs and verifies JWTs; PyJWT's algorithms do the cryptography (RFC 7515, RFC 7519, RFC 8725).

Rules of this file: the caller names the algorithms and the type, never the token; a header chooses a key by `kid` alone
and may not bring one; segments have one spelling; time comes as `now`, so PyJWT's own clock is not asked; key objects
are cached, since parsing one costs more than using it. Every refusal is InvalidToken with a private reason.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from chalicelib.protocol.errors import InvalidToken
from chalicelib.records.keyset import Key

ALGORITHM = "ES256"
MAX_TOKEN_LENGTH = 8192
# ID tokens with group lists pass 8 KiB; they come from the provider's token endpoint, not from strangers.
MAX_PROVIDER_TOKEN_LENGTH = 16384
AHEAD_SECONDS = 10
MIN_RSA_BITS = 2048
# No time is this far away, and beyond it numbers stop being exact.
MAX_TIME = 2**53

# What each algorithm demands of a key; what is not here cannot be switched on by a provider file.
KEY_TYPES = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
KEY_BEARING_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c"})
REFUSED_HEADERS = KEY_BEARING_HEADERS | {"crit", "b64", "zip", "cty", "enc"}
PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "kid", "alg", "use"})
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
REQUIRED_CLAIMS = {"at+jwt": ("client_id", "jti")}

_ALGORITHMS = get_default_algorithms()
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_SUBJECT = re.compile(r"[\x20-\x7e]{1,255}")


class _Parts(NamedTuple):
    """One JWS in compact form, taken apart and not yet verified."""

    header_segment: str
    payload: bytes
    signing_input: bytes
    signature: bytes


def sign(claims: Mapping[str, Any], *, key: Key, typ: str) -> str:
    """A JWT by our own key. `key.secret` is PKCS#8 DER of a P-256 key, `key.kid` its thumbprint."""
    signing_input = f"{_own_header(key.kid, typ)}.{_encode_segment(msgspec.json.encode(claims))}"
    signature = _ALGORITHMS[ALGORITHM].sign(signing_input.encode("ascii"), _private_key(key.secret))
    return f"{signing_input}.{_encode_segment(signature)}"


def verify_own(
    token: str, *, keys: Mapping[str, Mapping[str, str]], typ: str, issuer: str, audience: str | None, now: int
) -> dict[str, Any]:
    """The claims of a token that we signed ourselves.

    keys       kid -> public JWK, as published
    typ        "at+jwt" for access tokens: no other kind of ours passes as one (THREATS INT-03)
    audience   the one string that `aud` must be; None where the caller compares it (introspection)

    No leeway at `exp`; `iat` and `nbf` may lie 10 s ahead, since clocks differ.
    """
    parts = _take_apart(token, MAX_TOKEN_LENGTH)
    jwk = keys.get(_read_own_header(parts.header_segment, typ))
    if jwk is None:
        raise InvalidToken("kid_unknown")
    if not _is_signed(parts, ALGORITHM, _own_public_key(jwk.get("crv", ""), jwk.get("x", ""), jwk.get("y", ""))):
        raise InvalidToken("signature_wrong")
    claims = _read_object(parts.payload)
    if claims.get("iss") != issuer:
        raise InvalidToken("issuer_wrong")
    _check_own_claims(claims, typ=typ, audience=audience)
    _check_times(claims, now=now, late=0, early=AHEAD_SECONDS)
    return claims


def verify_provider_id_token(
    token: str,
    *,
    jwks: Mapping[str, Any],
    algorithms: tuple[str, ...],
    issuer: str,
    client_id: str,
    nonce: str | None,
    now: int,
    leeway: int = 60,
) -> dict[str, Any]:
    """The claims of a provider's ID token (OpenID Connect Core section 3.1.3.7).

    jwks         the provider's key set as fetched from its pinned address
    algorithms   what this provider may use; names that we do not know are refused, never skipped
    nonce        the one that we sent; None only where the provider's profile has no nonce

    Raises InvalidToken; the reason `kid_unknown` is worth one new look at the key set.
    """
    parts = _take_apart(token, MAX_PROVIDER_TOKEN_LENGTH)
    header = _read_object(_decode_segment(parts.header_segment), unique=True)
    algorithm = _choose_algorithm(header, algorithms)
    if not _is_signed(parts, algorithm, _choose_key(header, algorithm, jwks)):
        raise InvalidToken("signature_wrong")
    claims = _read_object(parts.payload, unique=True)
    if claims.get("iss") != issuer:
        raise InvalidToken("issuer_wrong")
    _check_provider_audience(claims, client_id)
    _check_times(claims, now=now, late=leeway, early=leeway)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise InvalidToken("subject_malformed")
    if nonce is not None and not _equal(claims.get("nonce"), nonce):
        raise InvalidToken("nonce_wrong")
    return claims


def new_signing_key() -> bytes:
    """A new P-256 key from the operating system's generator, PKCS#8 DER."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_jwk(der: bytes) -> dict[str, str]:
    """The public half of a signing key as it stands in the key set; `kid` is its RFC 7638 thumbprint."""
    numbers = _private_key(der).public_key().public_numbers()
    point = {"crv": "P-256", "kty": "EC", "x": _encode_number(numbers.x), "y": _encode_number(numbers.y)}
    canonical = json.dumps(point, sort_keys=True, separators=(",", ":")).encode()
    kid = _encode_segment(hashlib.sha256(canonical).digest())
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


def _take_apart(token: str, limit: int) -> _Parts:
    if len(token) > limit:
        raise InvalidToken("token_too_long")
    segments = token.split(".")
    if len(segments) != 3:
        raise InvalidToken("token_malformed")
    header, payload, signature = segments
    return _Parts(
        header_segment=header,
        payload=_decode_segment(payload),
        signature=_decode_segment(signature),
        signing_input=f"{header}.{payload}".encode("ascii", "replace"),
    )


def _decode_segment(segment: str) -> bytes:
    """Base64url without padding, in its one spelling: whatever else decodes to the same bytes is refused."""
    if not _SEGMENT.fullmatch(segment):
        raise InvalidToken("token_malformed")
    try:
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise InvalidToken("token_malformed") from error
    if _encode_segment(decoded) != segment:
        raise InvalidToken("token_respelled")
    return decoded


def _encode_segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _encode_number(number: int) -> str:
    return _encode_segment(number.to_bytes(32, "big"))


def _read_object(data: bytes, *, unique: bool = False) -> dict[str, Any]:
    """A JSON object; with `unique`, one that names nothing twice at any depth (what others wrote)."""
    try:
        if unique:
            json.loads(data, object_pairs_hook=_refuse_repeated)
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidToken("token_not_json") from error
    if not isinstance(value, dict):
        raise InvalidToken("token_not_an_object")
    return value


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")


@lru_cache(maxsize=16)
def _own_header(kid: str, typ: str) -> str:
    return _encode_segment(msgspec.json.encode({"alg": ALGORITHM, "kid": kid, "typ": typ}))


@lru_cache(maxsize=64)
def _read_own_header(segment: str, typ: str) -> str:
    """The kid of a header that has exactly what ours have. Ours are few, so they are remembered; refusals are not."""
    header = _read_object(_decode_segment(segment), unique=True)
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
def _own_public_key(crv: str, x: str, y: str) -> Any:
    return _load_public_key(ALGORITHM, json.dumps({"kty": "EC", "crv": crv, "x": x, "y": y}))


@lru_cache(maxsize=128)
def _load_public_key(algorithm: str, jwk: str) -> Any:
    try:
        return _ALGORITHMS[algorithm].from_jwk(jwk)
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        raise InvalidToken("key_malformed") from error


def _is_signed(parts: _Parts, algorithm: str, key: Any) -> bool:
    return _ALGORITHMS[algorithm].verify(parts.signing_input, key, parts.signature)


def _check_own_claims(claims: Mapping[str, Any], *, typ: str, audience: str | None) -> None:
    told = claims.get("aud")
    if not isinstance(told, str) or (audience is not None and told != audience):
        raise InvalidToken("audience_wrong")
    for name in ("sub", *REQUIRED_CLAIMS.get(typ, ())):
        value = claims.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidToken("claim_missing")


def _check_times(claims: Mapping[str, Any], *, now: int, late: int, early: int) -> None:
    """`exp` and `iat` must be there; `late` is the leeway after the end, `early` the one before the beginning."""
    if _read_time(claims, "exp") + late <= now:
        raise InvalidToken("token_expired")
    if _read_time(claims, "iat") > now + early:
        raise InvalidToken("token_from_the_future")
    if "nbf" in claims and _read_time(claims, "nbf") > now + early:
        raise InvalidToken("token_not_yet_valid")


def _read_time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_TIME:
        raise InvalidToken("time_malformed")
    return value


def _choose_algorithm(header: Mapping[str, Any], algorithms: tuple[str, ...]) -> str:
    """The header's algorithm, where this provider may use it and nothing in the header asks for more than `kid`."""
    if REFUSED_HEADERS & header.keys():
        raise InvalidToken("header_members")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in KEY_TYPES:
        raise InvalidToken("algorithm_wrong")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in ("jwt", "application/jwt"):
        raise InvalidToken("type_wrong")
    return algorithm


def _choose_key(header: Mapping[str, Any], algorithm: str, jwks: Mapping[str, Any]) -> Any:
    """The one key of the set that fits kid and algorithm; without a kid, the only one that fits the algorithm."""
    kid, listed = header.get("kid"), jwks.get("keys")
    if kid is not None and not isinstance(kid, str):
        raise InvalidToken("kid_unknown")
    if not isinstance(listed, list):
        raise InvalidToken("key_set_malformed")
    fitting = [jwk for jwk in listed if _fits(jwk, algorithm) and (kid is None or jwk.get("kid") == kid)]
    if not fitting:
        raise InvalidToken("kid_unknown")
    if len(fitting) > 1:
        raise InvalidToken("kid_ambiguous")
    key = _load_public_key(algorithm, json.dumps(fitting[0], sort_keys=True))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise InvalidToken("key_too_short")
    return key


def _fits(jwk: object, algorithm: str) -> bool:
    """True for a public key of the right kind that its owner meant for signatures."""
    if not isinstance(jwk, dict) or PRIVATE_MEMBERS & jwk.keys():
        return False
    kty, crv = KEY_TYPES[algorithm]
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("kty") == kty
        and (crv is None or jwk.get("crv") == crv)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )


def _check_provider_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """`aud` names us; `azp`, where it is or has to be, is us."""
    audience, party = claims.get("aud"), claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or client_id not in named:
        raise InvalidToken("audience_wrong")
    if (len(named) > 1 and party is None) or (party is not None and party != client_id):
        raise InvalidToken("authorized_party_wrong")


def _equal(told: object, expected: str) -> bool:
    return isinstance(told, str) and hmac.compare_digest(told.encode(), expected.encode())
