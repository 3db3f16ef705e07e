"""Verifies a token of a trusted issuer that is not the broker (RFC 8725, RFC 9068, OpenID Connect Core 3.1.3.7).

The issuer's record and one acceptance rule of it decide. Everything that can refuse without the issuer's keys comes
before the signature, so that nothing is fetched for a token that would be refused anyway. Every refusal is InvalidToken
with a private reason; the client reads the same words for all of them.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.jwk_selection import choose_algorithm, choose_key
from chalicelib.protocol.jws import Parts, check_times, decode_segment, is_signed, read_object, read_time, take_apart
from chalicelib.records.issuer import AcceptanceRule, ClaimValues, Issuer

MAX_TOKEN_LENGTH = 8192
LATE_SECONDS = 10
AHEAD_SECONDS = 60

NO_TYPE = "none"
_TYPES = {"access_token": frozenset({"at+jwt"}), "id_token": frozenset({"", "jwt"})}
# Another kind of JWT by its own type (RFC 8725 section 3.11). No rule can accept one of them.
NEVER_TYPES = frozenset({"logout+jwt", "secevent+jwt", "dpop+jwt", "client-authentication+jwt", "oauth-id-jag+jwt"})
# Claims that bind or restrict a token in a way that the broker does not honour here (RFC 8693 section 4, RFC 9396).
NARROWING_CLAIMS = frozenset({"act", "may_act", "authorization_details", "cnf", "events", "vc", "vp"})
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")


class UnverifiedIssuerToken(Struct, frozen=True, kw_only=True):
    """A token that could be parsed. Nothing in it is proven yet."""

    parts: Parts
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def kid(self) -> str | None:
        """The key that it names, or None."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


class IssuerSubject(Struct, frozen=True, kw_only=True):
    """The user of a verified token, as the issuer names it.

    tenant                  "" if the issuer has one tenant
    issued_at, expires_at   epoch seconds
    """

    subject: str
    tenant: str
    issued_at: int
    expires_at: int


def parse_issuer_token(token: str) -> UnverifiedIssuerToken:
    """Read a token without believing it. Raises InvalidToken."""
    parts = take_apart(token, max_length=MAX_TOKEN_LENGTH)
    header = read_object(decode_segment(parts.header_segment), unique=True)
    return UnverifiedIssuerToken(parts=parts, header=header, claims=read_object(parts.payload, unique=True))


def choose_rule(token: UnverifiedIssuerToken, issuer: Issuer, kind: str, client_id: str) -> AcceptanceRule:
    """The first rule for this kind and client that accepts the token's type, audience and claims.

    Raises InvalidToken with the reason of the last rule; without any rule, the issuer counts as unknown (ISS-02).
    """
    refusal = InvalidToken("issuer_unknown")
    for rule in issuer.rules_for(kind, client_id):
        try:
            _check_type(token.header, rule)
            _check_audience(token.claims, rule)
            _check_party(token.claims, rule)
            _check_claims(token.claims, rule)
        except InvalidToken as error:
            refusal = error
        else:
            return rule
    raise refusal


def check_issuer_token(token: UnverifiedIssuerToken, issuer: Issuer, rule: AcceptanceRule, *, now: int) -> str:
    """Check everything else that needs no key; return the algorithm of the signature. Raises InvalidToken."""
    algorithm = choose_algorithm(token.header, tuple(issuer.algorithms))
    if NARROWING_CLAIMS & token.claims.keys():
        raise InvalidToken("constraint_not_known_here")
    check_times(token.claims, now=now, late=LATE_SECONDS, early=AHEAD_SECONDS)
    if now - read_time(token.claims, "iat") > rule.max_age:
        raise InvalidToken("token_too_old")
    return algorithm


def verify_issuer_token(token: UnverifiedIssuerToken, algorithm: str, jwks: Mapping[str, Any]) -> None:
    """Verify the signature. Raises InvalidToken."""
    if not is_signed(token.parts, algorithm, choose_key(token.header, algorithm, jwks)):
        raise InvalidToken("signature_wrong")


def read_subject(token: UnverifiedIssuerToken, issuer: Issuer, rule: AcceptanceRule) -> IssuerSubject:
    """The user of a token. A token that a client got for itself names no user and is refused. Raises InvalidToken."""
    claims = token.claims
    subject = _read_name(claims, issuer.subject_claim)
    if subject in (claims.get(rule.party_claim), claims.get("azp"), claims.get("client_id"), claims.get("cid")):
        raise InvalidToken("token_of_a_machine")
    tenant = _read_name(claims, issuer.tenant_claim) if issuer.tenant_claim else ""
    if issuer.tenant_claim and tenant not in issuer.tenants:
        raise InvalidToken("tenant_not_accepted")
    issued_at, expires_at = int(read_time(claims, "iat")), int(read_time(claims, "exp"))
    return IssuerSubject(subject=subject, tenant=tenant, issued_at=issued_at, expires_at=expires_at)


def _read_name(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if not isinstance(name, str) or not _SUBJECT.fullmatch(name):
        raise InvalidToken("subject_malformed")
    return name


def _check_type(header: Mapping[str, Any], rule: AcceptanceRule) -> None:
    """RFC 7515 section 4.1.9: the type is compared without regard to case, and "application/" may be left out."""
    typ = header.get("typ", "")
    if not isinstance(typ, str):
        raise InvalidToken("type_wrong")
    typ = lower(typ).removeprefix("application/")
    accepted = frozenset({"" if rule.typ == NO_TYPE else rule.typ}) if rule.typ else _TYPES[rule.kind]
    if typ in NEVER_TYPES or typ not in accepted:
        raise InvalidToken("type_wrong")


def _check_audience(claims: Mapping[str, Any], rule: AcceptanceRule) -> None:
    """The rule's audience, alone or in a list of which the rule knows every other value."""
    named = claims.get(rule.audience_claim)
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or rule.audience not in listed:
        raise InvalidToken("audience_wrong")
    if not all(isinstance(one, str) and one in {rule.audience, *rule.other_audiences} for one in listed):
        raise InvalidToken("audience_wrong")


def _check_party(claims: Mapping[str, Any], rule: AcceptanceRule) -> None:
    """The client at the issuer that obtained the token. An ID token was obtained by its audience."""
    party = claims.get(rule.party_claim)
    parties = rule.parties or (frozenset({rule.audience}) if rule.kind == "id_token" else frozenset())
    if rule.parties and party is None:
        raise InvalidToken("authorized_party_wrong")
    if parties and party is not None and (not isinstance(party, str) or party not in parties):
        raise InvalidToken("authorized_party_wrong")


def _check_claims(claims: Mapping[str, Any], rule: AcceptanceRule) -> None:
    if not all(_has(claims, wanted) for wanted in rule.require):
        raise InvalidToken("required_claim_missing")
    if any(_has(claims, unwanted) for unwanted in rule.refuse):
        raise InvalidToken("refused_claim_present")


def _has(claims: Mapping[str, Any], wanted: ClaimValues) -> bool:
    value = claims.get(wanted.claim)
    return isinstance(value, str) and value in wanted.values
