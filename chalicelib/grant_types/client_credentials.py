"""grant_type=client_credentials (RFC 6749 section 4.4): a confidential client for itself; no call but for a proof."""

from typing import Any

from chalicelib.grant_types.token_request import TokenRequest
from chalicelib.ports import Broker
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import InvalidScope, InvalidTarget, UnauthorizedClient
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.scope import serialize, split_by_provider
from chalicelib.records.client import Client
from chalicelib.token_issuer import choose_audience, issue_client_token, token_type

USER_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """A token without a user: no refresh token, no ID token, no scope that speaks of a user or a provider.

    Raises UnauthorizedClient, InvalidScope, InvalidTarget.
    """
    if not client.is_confidential:
        raise UnauthorizedClient("public_client_for_itself")
    resource = asked.resource(broker.settings.issuer)
    if resource is not None and resource not in client.resources:
        raise InvalidTarget("resource_not_registered")
    own = split_by_provider(client.scopes, broker.catalog.ids).get("", frozenset()) - USER_SCOPES
    if not asked.scopes <= own:
        raise InvalidScope("scope_not_for_clients")
    audience = choose_audience(broker, asked.audience or broker.settings.issuer, asked.scopes or own)
    jkt = consume_proof(broker, asked.proof)
    token = issue_client_token(broker, client.client_id, audience=audience, now=asked.now, jkt=jkt)
    return {
        "access_token": token,
        "token_type": token_type(jkt),
        "expires_in": audience.lifetime_seconds,
        "scope": serialize(audience.scopes),
    }
