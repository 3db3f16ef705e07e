"""POST /par (RFC 9126): a client pushes its authorization request, which is checked completely here. The browser then
sends only a reference to it (PAR-01 to PAR-04)."""

import msgspec

from chalicelib.endpoints.authorization.pushed_request import PUSHED_SECONDS, REFERENCE
from chalicelib.endpoints.authorization.request import check_request
from chalicelib.endpoints.authorization.stored_request import store_request
from chalicelib.endpoints.callers.client_authentication import authenticate_client
from chalicelib.ports import Broker
from chalicelib.proof_of_possession import consume_proof
from chalicelib.protocol.errors import InvalidDpopProof, InvalidRequest, PageError
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import AuthorizationRequest, KeptRequest
from chalicelib.responses import Response, json_response


def answer(broker: Broker, http: Request) -> Response:
    """Client authentication as at /token, the rules of /authorize, the proof if there is one, then one write.

    Raises OAuthError.
    """
    check_no_query(http.query)
    parameters = Parameters.parse(http.form, repeatable=frozenset({"resource"}))
    client = authenticate_client(broker, http, parameters, first_contact=True)
    if parameters.get("request_uri") is not None:
        raise InvalidRequest("request_uri_pushed")
    request = _check(broker, parameters, client.client_id)
    if http.header("dpop") is not None:
        request = _bind(broker, http, request)
    kept = KeptRequest(request=request, grant_id=broker.entropy.token_bytes(16).hex())
    request_id = store_request(broker, kept, client_id=client.client_id, expires_at=broker.clock.now() + PUSHED_SECONDS)
    broker.log.event("request_pushed", client_id=client.client_id)
    return json_response({"request_uri": REFERENCE + request_id, "expires_in": PUSHED_SECONDS}, status=201)


def _check(broker: Broker, parameters: Parameters, client_id: str) -> AuthorizationRequest:
    """Parse the request. An error that is a page at /authorize is `invalid_request` here, because a client reads it."""
    try:
        return check_request(broker, parameters, client_id, pushed=True)[1]
    except PageError as error:
        raise InvalidRequest(error.reason).because_of(error) from None


def _bind(broker: Broker, http: Request, request: AuthorizationRequest) -> AuthorizationRequest:
    """Bind the code to the key of this proof (RFC 9449 section 10.1)."""
    from chalicelib.endpoints.callers.dpop_proof import read_proof

    proof = read_proof(broker, http, "/par")
    if request.dpop_jkt not in (None, proof.jkt):
        raise InvalidDpopProof("proof_by_another_key_than_named")
    return msgspec.structs.replace(request, dpop_jkt=consume_proof(broker, proof))
