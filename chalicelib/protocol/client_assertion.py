"""Verifies the JWT with which a client authenticates by its own key: `private_key_jwt` (RFC 7523 section 3,
rfc7523bis).

The audience is the broker's issuer, as a string or as a list of that one string. A client with a client document
may use the token endpoint instead; nothing else is accepted. The type may be absent, JWT, or
`client-authentication+jwt` (rfc7523bis section 4 does not require rejecting untyped ones). An assertion is valid
for at most an hour, with ten seconds of clock skew at its end. Its start may be a minute ahead (FAPI 2.0 section
5.3.2.1 requires accepting ten seconds and rejecting more than sixty). A `jti` is accepted once. Every failure is
InvalidClient with a private reason.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import InvalidClient, InvalidToken
from chalicelib.protocol.jwk_selection import choose_algorithm, choose_key
from chalicelib.protocol.jws import Parts, decode_segment, is_signed, read_object, read_time, take_apart
from chalicelib.protocol.log_redaction import redact
from chalicelib.records.client import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256")
MAX_ASSERTION_LENGTH = 8192
LIFETIME_SECONDS = 3600
SKEW_SECONDS = 10
AHEAD_SECONDS = 60

_TYPES = frozenset({"jwt", "client-authentication+jwt"})


class UnverifiedAssertion(Struct, frozen=True, kw_only=True):
    """A client assertion that can be read; nothing of it is proven yet.

    algorithm   one of ASSERTION_ALGORITHMS
    client_id   what it says of its issuer and of its subject alike
    """

    parts: Parts
    header: dict[str, Any]
    claims: dict[str, Any]
    algorithm: str
    client_id: str

    @property
    def kid(self) -> str | None:
        """Which key it names; None where it names none."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def parse_client_assertion(token: str) -> UnverifiedAssertion:
    """Read an assertion without believing it. Raises InvalidClient."""
    try:
        parts = take_apart(token, max_length=MAX_ASSERTION_LENGTH)
        header = read_object(decode_segment(parts.header_segment), unique=True)
        algorithm = choose_algorithm(header, ASSERTION_ALGORITHMS)
        _check_type(header)
        claims = read_object(parts.payload, unique=True)
    except InvalidToken as error:
        raise InvalidClient(f"assertion_{error.reason}") from None
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or claims.get("sub") != issuer:
        raise InvalidClient("assertion_issuer_is_not_subject")
    return UnverifiedAssertion(parts=parts, header=header, claims=claims, algorithm=algorithm, client_id=issuer)


def check_client_assertion(
    assertion: UnverifiedAssertion,
    client: Client,
    *,
    audiences: tuple[str, ...],
    now: int,
    algorithms: tuple[str, ...] = ASSERTION_ALGORITHMS,
    in_a_list: bool = True,
) -> None:
    """All that is checked before its key is looked for, so that nothing is fetched for what would be refused anyway.

    audiences    what `aud` may be, our issuer first
    algorithms   those that are offered here
    in_a_list    the audience may be a list with this one value

    Raises InvalidClient.
    """
    if assertion.algorithm not in algorithms:
        raise InvalidClient("assertion_algorithm_not_offered")
    if client.token_endpoint_auth_signing_alg not in (None, assertion.algorithm):
        refusal = InvalidClient("assertion_algorithm_not_registered")
        raise refusal.noting(expected=client.token_endpoint_auth_signing_alg, received=assertion.algorithm)
    if assertion.client_id != client.client_id:
        raise InvalidClient("assertion_of_another_client")
    audience = assertion.claims.get("aud")
    if in_a_list and isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or audience not in audiences:
        received = audience if isinstance(audience, str) else "a list, or none"
        raise InvalidClient("assertion_audience_wrong").noting(
            expected=audiences[0], received=redact(received, audiences)
        )
    jti = assertion.claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise InvalidClient("assertion_jti_missing")
    try:
        _check_times(assertion.claims, now)
    except InvalidToken as error:
        raise InvalidClient(f"assertion_{error.reason}") from None


def verify_client_assertion(assertion: UnverifiedAssertion, jwks: Mapping[str, Any]) -> None:
    """Its signature, by the one key of the client's set that its `kid` and its algorithm fit. Raises InvalidClient."""
    try:
        key = choose_key(assertion.header, assertion.algorithm, jwks)
    except InvalidToken as error:
        raise InvalidClient(f"assertion_{error.reason}") from None
    if not is_signed(assertion.parts, assertion.algorithm, key):
        raise InvalidClient("assertion_signature_wrong")


def assertion_mark(assertion: UnverifiedAssertion) -> tuple[str, int]:
    """What tells it from every other one, and until when it must be remembered: its end and twice the skew."""
    named = f"client_assertion\0{assertion.client_id}\0{assertion.claims['jti']}"
    ends_at = math.ceil(assertion.claims["exp"]) + 2 * SKEW_SECONDS
    return hashlib.sha256(named.encode()).hexdigest(), ends_at


def _check_type(header: Mapping[str, Any]) -> None:
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or lower(typ).removeprefix("application/") not in _TYPES:
        raise InvalidToken("type_wrong")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    """`exp` must be there; `iat` and `nbf` need not, and count where they are."""
    ends = read_time(claims, "exp")
    if ends + SKEW_SECONDS <= now:
        raise InvalidToken("token_expired")
    begins = {name: read_time(claims, name) for name in ("iat", "nbf") if name in claims}
    if any(begin > now + AHEAD_SECONDS for begin in begins.values()):
        raise InvalidToken("token_from_the_future")
    if ends > now + LIFETIME_SECONDS + SKEW_SECONDS or ends > begins.get("iat", ends) + LIFETIME_SECONDS:
        raise InvalidToken("lives_too_long")
