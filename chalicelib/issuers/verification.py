"""Verifies a token of a trusted issuer for one client. No store call but that of the cached record; keys are cached."""

from msgspec import Struct

from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidToken, TemporarilyUnavailable
from chalicelib.protocol.issuer_token import (
    AHEAD_SECONDS,
    IssuerSubject,
    UnverifiedIssuerToken,
    check_issuer_token,
    choose_rule,
    read_subject,
    verify_issuer_token,
)
from chalicelib.records.client import Client
from chalicelib.records.issuer import AcceptanceRule, Issuer
from chalicelib.records.item_keys import issuer_id, issuer_item_key
from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable

RETRY_SECONDS = 10
FAPI2_ALGORITHMS = frozenset({"PS256", "ES256", "EdDSA", "Ed25519"})


class VerifiedIssuerToken(Struct, frozen=True, kw_only=True):
    """A token of a trusted issuer that this client may present. Nothing has been checked against the table yet.

    issuer   as the cache knew it; the read that every request makes decides
    """

    issuer: Issuer
    rule: AcceptanceRule
    user: IssuerSubject
    client_id: str

    @property
    def counts_from(self) -> int:
        """The latest time at which the token may have been issued by the broker's clock; compared with cutoffs
        (STD-19)."""
        return self.user.issued_at - AHEAD_SECONDS

    @property
    def origin(self) -> str:
        """The id of the issuer's record."""
        return issuer_id(self.issuer.issuer)


def verify_token(
    broker: Broker, client: Client, token: UnverifiedIssuerToken, kind: str, *, fresh: bool
) -> VerifiedIssuerToken:
    """Check everything about the token itself, and the signature last.

    kind    the kind that the request names: "access_token" or "id_token"
    fresh   read the issuer's record past the cache

    Raises InvalidToken, and TemporarilyUnavailable if the issuer's keys are unavailable.
    """
    now = broker.clock.now()
    issuer = _find_issuer(broker, token, fresh=fresh)
    rule = choose_rule(token, issuer, kind, client.client_id)
    if not client.is_confidential and (kind != "access_token" or rule.audience != broker.settings.issuer):
        raise InvalidToken("audience_not_for_public_clients")
    algorithm = check_issuer_token(token, issuer, rule, now=now)
    if broker.settings.is_fapi2 and algorithm not in FAPI2_ALGORITHMS:
        raise InvalidToken("algorithm_wrong")
    user = read_subject(token, issuer, rule)
    try:
        keys = broker.directory.issuer_jwks(issuer, token.kid)
    except (ProviderUnavailable, ProviderRefused, ProviderMisbehaved) as error:
        raise TemporarilyUnavailable(f"issuer_keys_{error.reason}", retry_after=RETRY_SECONDS) from None
    verify_issuer_token(token, algorithm, keys)
    return VerifiedIssuerToken(issuer=issuer, rule=rule, user=user, client_id=client.client_id)


def _find_issuer(broker: Broker, token: UnverifiedIssuerToken, *, fresh: bool) -> Issuer:
    """The record of exactly this issuer (ISS-01): no other case, slash or port."""
    named = token.claims.get("iss")
    if not isinstance(named, str):
        raise InvalidToken("issuer_unknown")
    item_key = issuer_item_key(issuer_id(named))
    issuer = broker.registry.lookup(item_key, fresh=fresh).get(item_key)
    if issuer is None or issuer.issuer != named:
        raise InvalidToken("issuer_unknown")
    return issuer
