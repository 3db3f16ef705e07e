"""Parses a JWT in compact form: its parts, their one valid encoding, its signature and its times (RFC 7515, RFC 7519).

PyJWT's algorithms do the cryptography. Key objects are cached, because parsing one costs more than using it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from chalicelib.protocol.errors import InvalidToken

# No time is this far away, and beyond it numbers stop being exact.
MAX_TIME = 2**53

_ALGORITHMS = get_default_algorithms()
# The name that RFC 9864 gives to EdDSA with this curve; which curve a key has is checked where the key is chosen.
_ALGORITHMS["Ed25519"] = _ALGORITHMS["EdDSA"]
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


class Parts(NamedTuple):
    """One JWS in compact form, taken apart and not yet verified."""

    header_segment: str
    payload: bytes
    signing_input: bytes
    signature: bytes


def take_apart(token: str, *, max_length: int) -> Parts:
    """Three segments; an encrypted token, another serialization and a token that is too long are refused unread."""
    if len(token) > max_length:
        raise InvalidToken("token_too_long")
    segments = token.split(".")
    if len(segments) != 3:
        raise InvalidToken("token_malformed")
    header, payload, signature = segments
    return Parts(
        header_segment=header,
        payload=decode_segment(payload),
        signature=decode_segment(signature),
        signing_input=f"{header}.{payload}".encode("ascii", "replace"),
    )


def decode_segment(segment: str) -> bytes:
    """Base64url without padding, in its one spelling: whatever else decodes to the same bytes is refused."""
    if not _SEGMENT.fullmatch(segment):
        raise InvalidToken("token_malformed")
    try:
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise InvalidToken("token_malformed") from error
    if encode_segment(decoded) != segment:
        raise InvalidToken("token_respelled")
    return decoded


def encode_segment(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read_object(data: bytes, *, unique: bool = False) -> dict[str, Any]:
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


@lru_cache(maxsize=128)
def load_public_key(algorithm: str, jwk: str) -> Any:
    """The key object of a JWK in JSON; which kind it may be has been checked."""
    try:
        return _ALGORITHMS[algorithm].from_jwk(jwk)
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        raise InvalidToken("key_malformed") from error


def make_signature(signing_input: str, algorithm: str, key: Any) -> bytes:
    """The signature over header and payload."""
    return _ALGORITHMS[algorithm].sign(signing_input.encode("ascii"), key)


def is_signed(parts: Parts, algorithm: str, key: Any) -> bool:
    """Say whether the signature is of this key, by the algorithm that the caller chose."""
    return _ALGORITHMS[algorithm].verify(parts.signing_input, key, parts.signature)


def check_times(claims: Mapping[str, Any], *, now: int, late: int, early: int) -> None:
    """`exp` and `iat` must be there; `late` is the leeway after the end, `early` the one before the beginning."""
    if read_time(claims, "exp") + late <= now:
        raise InvalidToken("token_expired")
    if read_time(claims, "iat") > now + early:
        raise InvalidToken("token_from_the_future")
    if "nbf" in claims and read_time(claims, "nbf") > now + early:
        raise InvalidToken("token_not_yet_valid")


def read_time(claims: Mapping[str, Any], name: str) -> float:
    """A time in epoch seconds that must be there as a number; raises InvalidToken."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_TIME:
        raise InvalidToken("time_malformed")
    return value


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
