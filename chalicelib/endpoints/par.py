"""POST /par (RFC 9126): a client sends its authorization request itself, checked here completely; the browser then
brings nothing but a reference to it (PAR-01 to PAR-04)."""

import msgspec

from chalicelib.endpoints.checking import check_request
from chalicelib.endpoints.client_authentication import authenticate_client
from chalicelib.endpoints.kept import keep_request
from chalicelib.endpoints.pushed import PUSHED_SECONDS, REFERENCE
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidDpopProof, InvalidRequest, PageError
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters, check_no_query
from chalicelib.proving import use_up
from chalicelib.records.sign_in import AuthorizationRequest, KeptRequest
from chalicelib.replies import Reply, json_reply


def answer(broker: Broker, http: Request) -> Reply:
    """Client authentication as at /token, the rules of /authorize, a proof where one is sent, then one write.

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
    request_id = keep_request(broker, kept, client_id=client.client_id, expires_at=broker.clock.now() + PUSHED_SECONDS)
    broker.log.event("request_pushed", client_id=client.client_id)
    return json_reply({"request_uri": REFERENCE + request_id, "expires_in": PUSHED_SECONDS}, status=201)


def _check(broker: Broker, parameters: Parameters, client_id: str) -> AuthorizationRequest:
    """What would be a page of ours at /authorize is `invalid_request` here: a client reads it, no person."""
    try:
        return check_request(broker, parameters, client_id, pushed=True)[1]
    except PageError as error:
        raise InvalidRequest(error.reason).because_of(error) from None


def _bind(broker: Broker, http: Request, request: AuthorizationRequest) -> AuthorizationRequest:
    """The code will be good by the key of this proof alone (RFC 9449 section 10.1)."""
    from chalicelib.endpoints.proof import read_proof

    proof = read_proof(broker, http, "/par")
    if request.dpop_jkt not in (None, proof.jkt):
        raise InvalidDpopProof("proof_by_another_key_than_named")
    return msgspec.structs.replace(request, dpop_jkt=use_up(broker, proof))
