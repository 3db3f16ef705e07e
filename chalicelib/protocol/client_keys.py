"""The public keys that a client registers or publishes (RFC 7517, RFC 7591 section 2).

A private key that reaches the broker is compromised, so it is rejected and never stored. Only the public members of a
key are stored, and only if an assertion may be signed with it.
"""

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jwk_selection import KEY_TYPES, MIN_RSA_BITS, PRIVATE_MEMBERS
from chalicelib.protocol.jws import load_public_key

MAX_KEYS = 8
MAX_RSA_BITS = 4096
MAX_MEMBER_LENGTH = 1024
MAX_EXPONENT_LENGTH = 6  # of base64url: 32 bits. A larger one makes each check of a signature slow.
_MEMBERS = {
    "RSA": ("kty", "kid", "use", "alg", "n", "e"),
    "EC": ("kty", "kid", "use", "alg", "crv", "x", "y"),
    "OKP": ("kty", "kid", "use", "alg", "crv", "x"),
}


class UnusableKeys(ValueError):
    """This is no key set that a client can prove itself with; `reason` is snake_case, `args[0]` says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(_SAID[reason])
        self.reason = reason


_SAID = {
    "keys_malformed": f'a key set is {{"keys": [...]}} with one to {MAX_KEYS} public keys (RFC 7517)',
    "key_private": "this is a private key: throw it away, make another, and give its public half alone",
    "key_symmetric": "a shared secret is no public key: use ES256, EdDSA, PS256 or RS256",
    "key_not_offered": f"no algorithm that is offered here fits a key of this kind: {', '.join(ASSERTION_ALGORITHMS)}",
    "key_malformed": "a key cannot be read",
    "key_size": f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits and a small exponent",
    "kid_missing": "each key needs a kid by which an assertion names it",
    "kid_repeated": "two keys have the same kid",
}


def parse_client_keys(document: object, *, algorithm: str | None = None) -> tuple[dict[str, str], ...]:
    """A client's registered key set, in its stored form. Keys for encryption are left out.

    algorithm   the only one that the client will sign with; None: any that is offered

    Raises UnusableKeys.
    """
    listed = _listed(document, MAX_KEYS)
    keys = tuple(public_half(key) for key in listed if signs(key))
    kids = [key.get("kid") for key in keys]
    if not all(kids):
        raise UnusableKeys("kid_missing")
    if len(set(kids)) != len(kids):
        raise UnusableKeys("kid_repeated")
    if not any(fits(key, algorithm) for key in keys):
        raise UnusableKeys("key_not_offered")
    return keys


def public_half(key: Mapping[str, object]) -> dict[str, str]:
    """The public members of one public key. Raises UnusableKeys."""
    if key.get("kty") == "oct":
        raise UnusableKeys("key_symmetric")
    members = _MEMBERS.get(str(key.get("kty")), ())
    public = {name: value for name in members if isinstance(value := key.get(name), str)}
    fitting = [algorithm for algorithm in ASSERTION_ALGORITHMS if fits(public, algorithm)]
    if not fitting:
        raise UnusableKeys("key_not_offered")
    _check_size(public, fitting[0])
    return public


def signs(key: Mapping[str, object]) -> bool:
    """False for a key that its owner means for encryption."""
    operations = key.get("key_ops", ["verify"])
    return key.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def fits(key: Mapping[str, str], algorithm: str | None) -> bool:
    """True where this algorithm (None: any) can be used with this key."""
    if algorithm is None:
        return True
    kty, crv = KEY_TYPES[algorithm]
    return key.get("kty") == kty and crv in (None, key.get("crv")) and key.get("alg", algorithm) == algorithm


def check_no_private_key(document: object) -> None:
    """Refuse a key set that holds a secret, whatever else is wrong with it. Raises UnusableKeys."""
    keys = document.get("keys") if isinstance(document, dict) else None
    for key in [document, *(keys if isinstance(keys, list) else [])]:
        if isinstance(key, dict) and key.get("kty") != "oct" and PRIVATE_MEMBERS & key.keys():
            raise UnusableKeys("key_private")


def _listed(document: object, most: int) -> list[dict[str, object]]:
    check_no_private_key(document)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= most or not all(isinstance(key, dict) for key in keys):
        raise UnusableKeys("keys_malformed")
    return keys


def _check_size(public: Mapping[str, str], algorithm: str) -> None:
    """True if the key can be loaded (its point is on the curve) and its verification is not too expensive."""
    if any(len(value) > MAX_MEMBER_LENGTH for value in public.values()):
        raise UnusableKeys("key_size")
    if len(public.get("e", "")) > MAX_EXPONENT_LENGTH:
        raise UnusableKeys("key_size")
    try:
        key = load_public_key(algorithm, json.dumps(public, sort_keys=True))
    except InvalidToken:
        raise UnusableKeys("key_malformed") from None
    if isinstance(key, rsa.RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise UnusableKeys("key_size")
