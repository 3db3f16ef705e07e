"""grant_type=...:token-exchange (RFC 8693): the broker's access token for the provider's, or for another of its own."""

from typing import Any

from chalicelib.access_token_check import PresentedToken
from chalicelib.grant_types.own_token_exchange import delegate, downscope
from chalicelib.grant_types.token_request import ACCESS_TOKEN, TokenRequest
from chalicelib.issuers.verification import VerifiedIssuerToken
from chalicelib.ports import Broker
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.issuer_token import UnverifiedIssuerToken, parse_issuer_token
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.vault.handout import HandoutRequest, audit_use, get_token, open_token


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """With `audience` a provider's access token, refreshed there where it has to be; with `resource` alone one of ours;
    with an `actor_token` one of ours for who acts, and never a provider's.

    Raises UnauthorizedClient, InvalidRequest (the tokens), InvalidTarget, InvalidScope, InvalidGrant.
    """
    token = _find_issuer_token(broker, parameters)
    if token is not None:
        return _answer_issuer_token(broker, client, parameters, asked, token)
    _check_types(parameters)
    if parameters.get("actor_token") is not None:
        return delegate(broker, client, parameters, asked)
    if asked.audience is not None and not parameters.all("audience"):
        return downscope(broker, client, parameters, asked, asked.audience)
    presented = PresentedToken(token=parameters.require("subject_token"), proof=asked.proof, in_form=True)
    try:
        return _hand_out(broker, _build_request(client, parameters, asked, presented))
    except InvalidToken as error:  # RFC 8693 section 2.2.2: a subject token that is not valid makes the request invalid
        raise InvalidRequest(f"subject_{error.reason}").because_of(error) from None


def _answer_issuer_token(
    broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest, token: UnverifiedIssuerToken
) -> dict[str, Any]:
    """The subject token is of a trusted issuer. It opens the same, but no client acts with it."""
    from chalicelib.grant_types.issuer_token_exchange import KINDS, exchange, with_verified_token

    subject_token_type = parameters.require("subject_token_type")
    if subject_token_type not in KINDS:
        raise InvalidRequest("subject_token_type_unknown")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("requested_token_type_not_access_token")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_beside_issuer_token")

    def use(verified: VerifiedIssuerToken) -> dict[str, Any]:
        if not parameters.all("audience"):
            return exchange(broker, client, asked, verified)
        body = _hand_out(broker, _build_request(client, parameters, asked, verified))
        consume_proof(broker, asked.proof)
        return body

    return with_verified_token(broker, client, token, subject_token_type, use)


def _find_issuer_token(broker: Broker, parameters: Parameters) -> UnverifiedIssuerToken | None:
    """The subject token, if it names another issuer than the broker; whatever cannot be read is not one."""
    try:
        token = parse_issuer_token(parameters.require("subject_token"))
    except InvalidToken:
        return None
    return None if token.claims.get("iss") == broker.settings.issuer else token


def _build_request(
    client: Client, parameters: Parameters, asked: TokenRequest, presented: PresentedToken | VerifiedIssuerToken
) -> HandoutRequest:
    _check_handout_allowed(client)
    return HandoutRequest(
        audience=_parse_request(parameters, asked),
        presented=presented,
        client_id=client.client_id,
        scopes=asked.scopes,
    )


def _hand_out(broker: Broker, wanted: HandoutRequest) -> dict[str, Any]:
    """The provider's access token. Raises InvalidToken if the subject token is not valid."""
    held = get_token(broker, wanted)
    token = open_token(broker, held)
    audit_use(broker, held, "handout", token)
    body: dict[str, Any] = {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",  # as the provider gives it, whatever the subject token was bound to
        "scope": serialize(held.connection.granted),
        "connection_id": held.connection.connection_id,
    }
    end = held.connection.access_expires_at
    return (
        body if end is None else {**body, "expires_in": end - broker.clock.now()}
    )  # the provider may have refreshed it meanwhile


def _check_handout_allowed(client: Client) -> None:
    if client.handout == "none":
        raise UnauthorizedClient("handout_not_registered")
    if client.handout == "proxy":
        raise InvalidTarget("proxy_only", members={"reason": "proxy_only", "retry": "never"})


def _parse_request(parameters: Parameters, asked: TokenRequest) -> str:
    """The one audience of RFC 8693 section 2.1: a provider id or a connection id."""
    audiences = parameters.all("audience")
    if len(audiences) != 1 or asked.audience is not None:
        raise InvalidTarget("not_one_audience")
    return audiences[0]


def _check_types(parameters: Parameters) -> None:
    """Access tokens alone, whoever's they are (RFC 8693 section 2.1)."""
    if parameters.require("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest("subject_token_type_not_access_token")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("requested_token_type_not_access_token")
    if (parameters.get("actor_token") is None) != (parameters.get("actor_token_type") is None):
        raise InvalidRequest("actor_token_or_type_alone")
    if parameters.get("actor_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("actor_token_type_not_access_token")
