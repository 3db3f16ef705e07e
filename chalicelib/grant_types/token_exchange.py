"""grant_type=...:token-exchange (RFC 8693): our access token for the provider's."""

from typing import Any

from chalicelib.access import Presented
from chalicelib.custody.keeping import Held
from chalicelib.custody.lending import Wanted, hold, open_token, record_use
from chalicelib.grant_types.asked import Asked
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.single import Parameters
from chalicelib.records.client import Client

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def answer(broker: Broker, client: Client, parameters: Parameters, asked: Asked) -> dict[str, Any]:
    """Hand out one provider's access token, refreshed at the provider where it has to be.

    Raises UnauthorizedClient, InvalidRequest (the subject token), InvalidTarget, InvalidScope, InvalidGrant.
    """
    _check_handout_allowed(client)
    wanted = Wanted(
        audience=_parse_request(parameters, asked),
        presented=Presented(token=parameters.require("subject_token"), proof=asked.proof, in_form=True),
        client_id=client.client_id,
        scopes=asked.scopes,
    )
    held = _hold(broker, wanted)
    token = open_token(broker, held)
    record_use(broker, held, "handout", token)
    body: dict[str, Any] = {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",  # as the provider gives it, whatever the subject token was bound to
        "scope": serialize(held.connection.granted),
        "connection_id": held.connection.connection_id,
    }
    end = held.connection.access_expires_at
    return body if end is None else {**body, "expires_in": end - broker.clock.now()}


def _hold(broker: Broker, wanted: Wanted) -> Held:
    """RFC 8693 section 2.2.2: a subject token that is not good makes the request invalid."""
    try:
        return hold(broker, wanted)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}") from None


def _check_handout_allowed(client: Client) -> None:
    if client.handout == "none":
        raise UnauthorizedClient("handout_not_registered")
    if client.handout == "proxy":
        raise InvalidTarget("proxy_only", members={"reason": "proxy_only", "retry": "never"})


def _parse_request(parameters: Parameters, asked: Asked) -> str:
    """The one audience of RFC 8693 section 2.1: a provider id or a connection id."""
    if parameters.require("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest("subject_token_type_not_access_token")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("requested_token_type_not_access_token")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_not_offered")
    audiences = parameters.all("audience")
    if len(audiences) != 1 or asked.audience is not None:
        raise InvalidTarget("not_one_audience")
    return audiences[0]
