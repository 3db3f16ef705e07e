"""A provider's ID token, of which nothing is believed before all of this has passed (OpenID Connect Core 3.1.3.7).

Rules of this file: the provider's file names the algorithms, its pinned key set the keys; a header chooses among them
by `kid` alone and may not bring a key; claims are compared as they stand, without normalising (RFC 8725, THREATS
CB-08).
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jws import check_times, decode_segment, is_signed, load_public_key, read_object, take_apart

# ID tokens with group lists pass 8 KiB; they come from the provider's token endpoint, not from strangers.
MAX_TOKEN_LENGTH = 16384
MIN_RSA_BITS = 2048

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
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

_SUBJECT = re.compile(r"[\x20-\x7e]{1,255}")


class IssuerByClaim(Struct, frozen=True, kw_only=True):
    """The issuer of a provider with a name space for each tenant: the template with one claim of the token in it.

    template   holds {claim}
    claim      its name
    pattern    what that claim must read like, from end to end
    """

    template: str
    claim: str
    pattern: str

    def of(self, claims: Mapping[str, Any]) -> str | None:
        """What `iss` of these claims must be; None where the claim is missing or reads like something else."""
        value = claims.get(self.claim)
        if not isinstance(value, str) or re.fullmatch(self.pattern, value, re.ASCII) is None:
            return None
        return self.template.replace(f"{{{self.claim}}}", value)

    def names_one(self, issuer: str) -> bool:
        """True for the issuer of one tenant, False for the common name of several."""
        before, _, after = self.template.partition(f"{{{self.claim}}}")
        tenant = issuer.removeprefix(before).removesuffix(after)
        return self.of({self.claim: tenant}) == issuer


def verify_provider_id_token(
    token: str,
    *,
    jwks: Mapping[str, Any],
    algorithms: tuple[str, ...],
    issuer: str | IssuerByClaim,
    client_id: str,
    nonce: str | None,
    now: int,
    leeway: int = 60,
) -> dict[str, Any]:
    """The claims of a provider's ID token.

    jwks         the provider's key set as fetched from its pinned address
    algorithms   what this provider may use; names that we do not know are refused, never skipped
    nonce        the one that we sent; None only where the provider's profile has no nonce

    Raises InvalidToken; the reason `kid_unknown` is worth one new look at the key set.
    """
    parts = take_apart(token, max_length=MAX_TOKEN_LENGTH)
    header = read_object(decode_segment(parts.header_segment), unique=True)
    algorithm = _choose_algorithm(header, algorithms)
    if not is_signed(parts, algorithm, _choose_key(header, algorithm, jwks)):
        raise InvalidToken("signature_wrong")
    claims = read_object(parts.payload, unique=True)
    expected = issuer if isinstance(issuer, str) else issuer.of(claims)
    if expected is None or claims.get("iss") != expected:
        raise InvalidToken("issuer_wrong")
    _check_audience(claims, client_id)
    check_times(claims, now=now, late=leeway, early=leeway)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise InvalidToken("subject_malformed")
    if nonce is not None and not _equal(claims.get("nonce"), nonce):
        raise InvalidToken("nonce_wrong")
    return claims


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


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """`aud` names us; `azp`, where it is or has to be, is us."""
    audience, party = claims.get("aud"), claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or client_id not in named:
        raise InvalidToken("audience_wrong")
    if (len(named) > 1 and party is None) or (party is not None and party != client_id):
        raise InvalidToken("authorized_party_wrong")


def _equal(told: object, expected: str) -> bool:
    return isinstance(told, str) and hmac.compare_digest(told.encode(), expected.encode())
