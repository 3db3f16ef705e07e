"""Verifies a provider's ID token. No claim is used before all checks have passed (OpenID Connect Core 3.1.3.7).

The provider's file names the algorithms, its pinned key set the keys. The header chooses among the keys by `kid`
only, and may not contain one. Claims are compared exactly, without normalization (RFC 8725, THREATS CB-08).
"""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jwk_selection import choose_algorithm, choose_key
from chalicelib.protocol.jws import check_times, decode_segment, is_signed, read_object, take_apart

# ID tokens with group lists exceed 8 KiB. They come from the provider's token endpoint, not from untrusted senders.
MAX_TOKEN_LENGTH = 16384

MAX_TENANT = 255
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
        if not isinstance(value, str) or len(value) > MAX_TENANT or re.fullmatch(self.pattern, value, re.ASCII) is None:
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
    algorithm = choose_algorithm(header, algorithms)
    _check_type(header)
    if not is_signed(parts, algorithm, choose_key(header, algorithm, jwks)):
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


def _check_type(header: Mapping[str, Any]) -> None:
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or lower(typ) not in ("jwt", "application/jwt"):
        raise InvalidToken("type_wrong")


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
