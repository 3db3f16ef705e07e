"""Selects the algorithm and the key that verify a token signed by another party (RFC 7517, RFC 8725 section 3).

The caller fixes the list of algorithms and the key set before it reads the token. The header chooses among them by
`alg` and `kid` only, and may not contain a key. A symmetric key is never accepted as a public key.
"""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jws import load_public_key

MIN_RSA_BITS = 2048

# The requirements of each algorithm for a key. No setting can enable an algorithm that is not listed.
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
    "Ed25519": ("OKP", "Ed25519"),
}
KEY_BEARING_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c"})
REFUSED_HEADERS = KEY_BEARING_HEADERS | {"crit", "b64", "zip", "cty", "enc"}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def choose_algorithm(header: Mapping[str, Any], algorithms: tuple[str, ...]) -> str:
    """The header's algorithm, where it is of the list and nothing in the header asks for more than `kid`.

    algorithms   what this signer may use; names that we do not know are refused, never skipped
    """
    if REFUSED_HEADERS & header.keys():
        raise InvalidToken("header_members")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in KEY_TYPES:
        raise InvalidToken("algorithm_wrong")
    return algorithm


def choose_key(header: Mapping[str, Any], algorithm: str, jwks: Mapping[str, Any]) -> Any:
    """The one key of the set that fits kid and algorithm; without a kid, the only one that fits the algorithm."""
    kid, listed = header.get("kid"), jwks.get("keys")
    if not isinstance(listed, list):
        raise InvalidToken("key_set_malformed")
    fitting = [jwk for jwk in listed if _fits(jwk, algorithm) and (kid is None or jwk.get("kid") == kid)]
    if not fitting:
        raise InvalidToken("kid_unknown")
    if len(fitting) > 1:
        raise InvalidToken("kid_ambiguous")
    key = load_public_key(algorithm, json.dumps(fitting[0], sort_keys=True))
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
