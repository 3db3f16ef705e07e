"""Token exchange of a trusted issuer's token: for one of the broker's access tokens, or for a provider's (RFC 8693).

It returns no refresh token (RFC 7521 section 4.1). The new token ends with the issuer's token, and after ten minutes
at the latest.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from chalicelib.grant_types.token_request import ACCESS_TOKEN, TokenRequest
from chalicelib.issuers.access import use_issuer_token
from chalicelib.issuers.verification import VerifiedIssuerToken, verify_token
from chalicelib.ports import Broker
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import InvalidScope, InvalidTarget, InvalidToken, SubjectTokenRefused
from chalicelib.protocol.issuer_token import UnverifiedIssuerToken
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.token_issuer import choose_audience, issue_access_token, token_type

LONGEST_SECONDS = 600
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
KINDS = {ACCESS_TOKEN: "access_token", ID_TOKEN: "id_token"}
T = TypeVar("T")


def with_verified_token(
    broker: Broker,
    client: Client,
    token: UnverifiedIssuerToken,
    subject_token_type: str,
    use: Callable[[VerifiedIssuerToken], T],
) -> T:
    """Verify the token and use it. A refusal that may rest on the cached record is decided once more without it.

    Raises SubjectTokenRefused, in the same words for every reason.
    """
    kind = KINDS[subject_token_type]
    try:
        try:
            return use(verify_token(broker, client, token, kind, fresh=False))
        except InvalidToken:
            return use(verify_token(broker, client, token, kind, fresh=True))
    except InvalidToken as error:
        raise SubjectTokenRefused(f"subject_{error.reason}", members=error.members).because_of(error) from None


def exchange(broker: Broker, client: Client, asked: TokenRequest, verified: VerifiedIssuerToken) -> dict[str, Any]:
    """An access token of the broker for one API, or for the broker itself.

    Raises InvalidToken, InvalidTarget, InvalidScope, InvalidDpopProof; TooManyRequests, TemporarilyUnavailable.
    """
    uri = asked.resource(broker.settings.issuer)
    if uri is not None and uri not in client.resources & verified.rule.resources:
        raise InvalidTarget("resource_not_granted")
    use = use_issuer_token(broker, verified)
    if use.grant is None:
        raise InvalidToken("grant_over")
    if not asked.scopes <= use.scopes:
        raise InvalidScope("more_than_the_subject_token")
    now = broker.clock.now()
    audience = choose_audience(broker, uri or broker.settings.issuer, asked.scopes or use.scopes)
    life = min(audience.lifetime_seconds, LONGEST_SECONDS, verified.user.expires_at - now)
    jkt = consume_proof(broker, asked.proof)
    token, expires_in = issue_access_token(
        broker, use.grant, audience=replace(audience, lifetime_seconds=life), now=now, jkt=jkt
    )
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": token_type(jkt),
        "expires_in": expires_in,
        "scope": serialize(audience.scopes),
    }
