"""The check of a DPoP proof (RFC 9449 section 4.3), and the nonces that a server may ask for in it (section 8).

Rules of this file: the header brings the key, so the signature proves nothing but that it is held; what makes the proof
one for this request is compared afterwards. The URL is the one that we are configured to have, never what a request
says of itself. Every refusal is InvalidDpopProof with a private reason.
"""

import base64
import hashlib
import hmac
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.ascii_text import lower, upper
from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS, Proof
from chalicelib.protocol.errors import InvalidDpopProof, InvalidToken
from chalicelib.protocol.jwk_selection import MIN_RSA_BITS, PRIVATE_MEMBERS
from chalicelib.protocol.jws import (
    MAX_TIME,
    Parts,
    decode_segment,
    encode_segment,
    is_signed,
    load_public_key,
    read_object,
    take_apart,
)
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.sealing import canonical
from chalicelib.records.keyset import Keyset

TYPE = "dpop+jwt"
MAX_LENGTH = 8192
PAST_SECONDS, AHEAD_SECONDS = 60, 10
SKEW_SECONDS = 60  # between the clocks of two of our own processes, many times over
NONCE_SECONDS = 60  # a nonce is good in its own window and the next one
MAX_RSA_BITS = 4096

# What would bring another key, or change how the rest is to be read.
REFUSED_HEADERS = frozenset({"jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc"})
_CURVES = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
_VERIFIED_AS = {"Ed25519": "EdDSA"}

_URL = re.compile(r"(https?)://([^/?#@]+?)(?::([0-9]*))?(/[^?#]*)?(?:\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NONCE = struct.Struct(">IQ16s")


def check_proof(
    value: str,
    *,
    method: str,
    url: str,
    now: int,
    access_token: str | None = None,
    algorithms: tuple[str, ...] = PROOF_ALGORITHMS,
) -> Proof:
    """The key of a proof that is one for this request.

    value          the one DPoP header
    url            where we are asked, as configured; its query plays no part
    access_token   the one beside it, whose hash the proof must name; None at the token endpoint
    algorithms     those that are offered here

    Raises InvalidDpopProof. Whether it was used before, and its nonce, are the caller's to ask.
    """
    try:
        parts = take_apart(value, max_length=MAX_LENGTH)
        jkt = _verify_signature(parts, algorithms)
        claims = read_object(parts.payload, unique=True)
    except InvalidToken as error:
        raise InvalidDpopProof(f"proof_{error.reason.removeprefix('token_')}") from None
    _check_request(claims, method, url)
    issued_at = _check_times(claims, now)
    if access_token is not None and not _equal(claims.get("ath"), _hash(access_token)):
        raise InvalidDpopProof("proof_of_another_token")
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if not isinstance(jti, str) or not jti:
        raise InvalidDpopProof("proof_without_jti")
    if nonce is not None and not isinstance(nonce, str):
        raise InvalidDpopProof("proof_nonce_malformed")
    mark = hashlib.sha256(canonical("dpop", jkt, jti.encode("utf-8", "surrogatepass"))).hexdigest()
    kept_until = math.ceil(issued_at) + PAST_SECONDS + SKEW_SECONDS
    return Proof(jkt=jkt, mark=mark, expires_at=kept_until, nonce=nonce)


def build_nonce(keys: Keyset, *, epoch: int, now: int) -> str:
    """The nonce of this minute: the same for every client, unforgeable, and not stored."""
    window = now // NONCE_SECONDS
    return encode_segment(_NONCE.pack(keys.current.version, window, _mac(keys.current.secret, epoch, window)))


def is_nonce_fresh(nonce: str, keys: Keyset, *, epoch: int, now: int) -> bool:
    """True if the broker issued this nonce in this window, the last one, or, on a faster clock, the next one."""
    try:
        version, window, mac = _NONCE.unpack(decode_segment(nonce))
    except (InvalidToken, struct.error):
        return False
    key = keys.versions.get(version)
    if key is None or abs(now // NONCE_SECONDS - window) > 1:
        return False
    return hmac.compare_digest(mac, _mac(key.secret, epoch, window))


def _verify_signature(parts: Parts, algorithms: tuple[str, ...]) -> str:
    """The thumbprint of the key in the header, whose signature this is. Raises InvalidToken."""
    header = read_object(decode_segment(parts.header_segment), unique=True)
    if header.get("typ") != TYPE:
        raise InvalidToken("type_wrong")
    if REFUSED_HEADERS & header.keys():
        raise InvalidToken("header_members")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken("algorithm_wrong")
    if not isinstance(jwk, dict):
        raise InvalidToken("key_missing")
    if PRIVATE_MEMBERS & jwk.keys():
        raise InvalidToken("key_private")
    public = json.dumps(_read_key(jwk, algorithm), sort_keys=True, separators=(",", ":"))
    verified_as = _VERIFIED_AS.get(algorithm, algorithm)
    if not is_signed(parts, verified_as, load_public_key(verified_as, public)):
        raise InvalidToken("signature_wrong")
    return encode_segment(hashlib.sha256(public.encode()).digest())


def _read_key(jwk: Mapping[str, Any], algorithm: str) -> dict[str, str]:
    """The members of which RFC 7638 makes the thumbprint, each in its one spelling: one key has one name. Loading the
    key refuses coordinates of another length than its curve's."""
    if jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise InvalidToken("key_for_something_else")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise InvalidToken("key_for_something_else")
    if algorithm not in _CURVES:
        return _read_rsa_key(jwk)
    kty, crv = _CURVES[algorithm]
    if jwk.get("kty") != kty or jwk.get("crv") != crv:
        raise InvalidToken("key_of_another_kind")
    names = ("x", "y") if kty == "EC" else ("x",)
    return {"kty": kty, "crv": crv, **{name: _read_member(jwk, name) for name in names}}


def _read_rsa_key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """True for the standard exponent. With a small one, anyone could forge signatures."""
    if jwk.get("kty") != "RSA":
        raise InvalidToken("key_of_another_kind")
    n, e = _read_member(jwk, "n"), _read_member(jwk, "e")
    modulus = decode_segment(n)
    if e != "AQAB" or modulus[0] == 0:
        raise InvalidToken("key_malformed")
    if not MIN_RSA_BITS <= int.from_bytes(modulus, "big").bit_length() <= MAX_RSA_BITS:
        raise InvalidToken("key_too_short_or_long")
    return {"kty": "RSA", "n": n, "e": e}


def _read_member(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise InvalidToken("key_malformed")
    decode_segment(value)
    return value


def _check_request(claims: Mapping[str, Any], method: str, url: str) -> None:
    if claims.get("htm") != method:
        told = claims.get("htm")
        received = redact(told) if isinstance(told, str) else "none"
        raise InvalidDpopProof("proof_for_another_method").noting(expected=method, received=received)
    told = claims.get("htu")
    if not isinstance(told, str) or _normalise(told) is None or _normalise(told) != _normalise(url):
        received = redact(told, (url,)) if isinstance(told, str) else "none"
        raise InvalidDpopProof("proof_for_another_url").noting(expected=url, received=received)


def _normalise(url: str) -> tuple[str, str, str, str] | None:
    """Scheme, host, port and path of an http URL (RFC 3986 sections 6.2.2 and 6.2.3), None for everything else.

    Query and fragment are ignored (RFC 9449 section 4.3). Dot segments stay, because no URL of the broker has any.
    """
    match = _URL.fullmatch(url) if _PRINTABLE.fullmatch(url) else None
    if match is None:
        return None
    scheme, host, port, path = match.groups()
    scheme = lower(scheme)
    number = port.lstrip("0") if port else {"http": "80", "https": "443"}[scheme]
    return scheme, lower(host), number, _PERCENT.sub(_respell, path or "/")


def _respell(match: re.Match[str]) -> str:
    character = chr(int(match.group(1), 16))
    return character if character in _UNRESERVED else upper(match.group(0))


def _check_times(claims: Mapping[str, Any], now: int) -> float:
    """True if it was created within the last minute. `exp` and `nbf` are checked if present."""
    issued_at = _read_time(claims, "iat")
    if issued_at < now - PAST_SECONDS or issued_at > now + AHEAD_SECONDS:
        raise InvalidDpopProof("proof_not_of_this_minute")
    if "exp" in claims and _read_time(claims, "exp") <= now:
        raise InvalidDpopProof("proof_expired")
    if "nbf" in claims and _read_time(claims, "nbf") > now + AHEAD_SECONDS:
        raise InvalidDpopProof("proof_not_yet_valid")
    return issued_at


def _read_time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_TIME:
        raise InvalidDpopProof("proof_time_malformed")
    return value


def _hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _equal(told: object, expected: str) -> bool:
    return isinstance(told, str) and hmac.compare_digest(told.encode("utf-8", "surrogatepass"), expected.encode())


def _mac(key: bytes, epoch: int, window: int) -> bytes:
    return hmac.new(key, canonical("token-broker", "dpop nonce", epoch, window), hashlib.sha256).digest()[:16]
