"""grant_type=...:token-exchange (RFC 8693): the broker's access token for the provider's, or for another of its own."""

from typing import Any

from chalicelib.access_token_check import PresentedToken
from chalicelib.grant_types.own_token_exchange import delegate, downscope
from chalicelib.grant_types.token_request import ACCESS_TOKEN, TokenRequest
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.vault.handout import HandoutRequest, audit_use, get_token, open_token
from chalicelib.vault.refresh_journal import LeasedConnection


def answer(broker: Broker, client: Client, parameters: Parameters, asked: TokenRequest) -> dict[str, Any]:
    """With `audience` a provider's access token, refreshed there where it has to be; with `resource` alone one of ours;
    with an `actor_token` one of ours for who acts, and never a provider's.

    Raises UnauthorizedClient, InvalidRequest (the tokens), InvalidTarget, InvalidScope, InvalidGrant.
    """
    _check_types(parameters)
    if parameters.get("actor_token") is not None:
        return delegate(broker, client, parameters, asked)
    if asked.audience is not None and not parameters.all("audience"):
        return downscope(broker, client, parameters, asked, asked.audience)
    _check_handout_allowed(client)
    wanted = HandoutRequest(
        audience=_parse_request(parameters, asked),
        presented=PresentedToken(token=parameters.require("subject_token"), proof=asked.proof, in_form=True),
        client_id=client.client_id,
        scopes=asked.scopes,
    )
    held = _hold(broker, wanted)
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


def _hold(broker: Broker, wanted: HandoutRequest) -> LeasedConnection:
    """RFC 8693 section 2.2.2: a subject token that is not good makes the request invalid."""
    try:
        return get_token(broker, wanted)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}").because_of(error) from None


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
