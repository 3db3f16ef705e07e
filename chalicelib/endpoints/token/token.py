"""POST /token: the steps that all grant types share, in the order of the RFC, then the grant type."""

from collections.abc import Callable
from typing import Any

from chalicelib.endpoints.callers.client_authentication import authenticate_client
from chalicelib.grant_types import authorization_code, client_credentials, device_code, refresh_token, token_exchange
from chalicelib.grant_types.token_request import TokenRequest, parse_token_request
from chalicelib.ports import Broker
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.dpop_result import Proof
from chalicelib.protocol.errors import InvalidDpopProof, OAuthError, UnauthorizedClient, UnsupportedGrantType
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.request import Request
from chalicelib.protocol.supported import supported
from chalicelib.records.client import Client
from chalicelib.responses import Response, json_response

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GrantType = Callable[[Broker, Client, Parameters, TokenRequest], dict[str, Any]]
GRANT_TYPES: dict[str, GrantType] = {
    "authorization_code": authorization_code.answer,
    "refresh_token": refresh_token.answer,
    "client_credentials": client_credentials.answer,
    TOKEN_EXCHANGE: token_exchange.answer,
    DEVICE_CODE: device_code.answer,
}


def answer(broker: Broker, http: Request) -> Response:
    """Authenticate the client, check its grant types, proof, scope and resource, then run the grant type.

    Raises OAuthError.
    """
    check_no_query(http.query)
    repeatable = {"resource"} | ({"audience"} if ("grant_type", TOKEN_EXCHANGE) in http.form else set())
    parameters = Parameters.parse(http.form, repeatable=frozenset(repeatable))
    client = authenticate_client(broker, http, parameters)
    try:
        grant_type = _choose_grant_type(broker, client, parameters)
        asked = parse_token_request(parameters, _read_proof(broker, http, client), now=broker.clock.now())
        body = GRANT_TYPES[grant_type](broker, client, parameters, asked)
    except OAuthError as error:
        asked_for = redact(parameters.get("grant_type"), GRANT_TYPES)
        raise error.noting(client_id=client.client_id, grant_type=asked_for) from None
    broker.log.event("token_issued", client_id=client.client_id, grant=grant_type.rpartition(":")[2])
    return json_response(body)


def _read_proof(broker: Broker, http: Request, client: Client) -> Proof | None:
    """The proof: optional, but required for a client that registered so (RFC 9449 section 5.2), and for all under FAPI
    2.0."""
    if http.header("dpop") is None:
        if client.dpop_bound_access_tokens or broker.settings.is_fapi2:
            raise InvalidDpopProof("proof_missing")
        return None
    from chalicelib.endpoints.callers.dpop_proof import read_proof

    return read_proof(broker, http, "/token")


def _choose_grant_type(broker: Broker, client: Client, parameters: Parameters) -> str:
    grant_type = parameters.require("grant_type")
    if grant_type not in supported(broker.settings).grant_types:
        raise UnsupportedGrantType("grant_type_unknown").noting(
            expected=supported(broker.settings).grant_types, received=redact(grant_type, GRANT_TYPES)
        )
    if grant_type not in client.grant_types:
        raise UnauthorizedClient("grant_type_not_registered").noting(expected=client.grant_types, received=grant_type)
    return grant_type
