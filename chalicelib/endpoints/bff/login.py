"""GET /bff/{client_id}/login: the normal sign-in, with the broker in front of the app (BFF-01, BFF-04).

Instead of a code for the app its end is a cookie for this browser, and the way back to the page where it began. The
browser is bound as in every sign-in, by the sealed cookie of its decision, so nobody is signed in by a link of another.
"""

from chalicelib.custody.linking import check_scope_words
from chalicelib.endpoints.answers import deliver, error_answer, refusal_of
from chalicelib.endpoints.authorize import answer_checked, parse_shown
from chalicelib.endpoints.bff.caller import origins_of
from chalicelib.endpoints.bff.cookie import read_session
from chalicelib.endpoints.checking import load_resources
from chalicelib.endpoints.parties import OWN_SCOPES, Parties, load_parties
from chalicelib.endpoints.pushed import Opened
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import parse_session_request
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.protocol.evidence import seen
from chalicelib.protocol.request import Request
from chalicelib.protocol.return_address import choose_return
from chalicelib.protocol.single import Parameters
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.replies import Reply


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    parameters = parse_shown(http.query)
    parties, origin = _find_origin(broker, http, parameters)
    return_to = choose_return(parameters.get("return_to"))
    try:
        parties, request = _check(broker, http, parameters, parties, origin=origin, return_to=return_to)
    except OAuthError as error:
        return deliver(broker, error_answer(broker, http, origin + return_to, None, error, mode="query"))
    opened = Opened(request=request, grant_id=broker.entropy.token_bytes(16).hex())
    try:
        return answer_checked(broker, http, opened, parties)
    except PageError:
        raise
    except OAuthError as error:
        return deliver(broker, refusal_of(broker, http, request, error))


def _find_origin(broker: Broker, http: Request, parameters: Parameters) -> tuple[Parties, str]:
    """The app, and at which of its origins the browser goes on: one that is registered, else the first of them.

    Raises PageError; before it does, the records are read once more.
    """
    client_id, asked = http.path["client_id"], parameters.get("origin")
    parties = load_parties(broker, client_id)
    origins = origins_of(broker, parties.client)
    if not origins or asked not in (None, *origins):
        parties = load_parties(broker, client_id, fresh=True)
        origins = origins_of(broker, parties.client)
    if not origins:
        raise PageError("bff_not_registered", page="not_allowed").noting(client_id=client_id)
    if asked not in (None, *origins):
        refusal = PageError("bff_origin_unknown", page="redirect_uri_wrong")
        raise refusal.noting(client_id=client_id, expected=origins, received=seen(asked, origins))
    return parties, asked or origins[0]


def _check(
    broker: Broker, http: Request, parameters: Parameters, parties: Parties, *, origin: str, return_to: str
) -> tuple[Parties, AuthorizationRequest]:
    """Raises InvalidScope, InvalidTarget, InvalidRequest; before it does, the records are read once more."""
    try:
        return parties, _parse(broker, http, parameters, parties, origin=origin, return_to=return_to)
    except OAuthError:
        parties = load_parties(broker, parties.client.client_id, fresh=True)
        return parties, _parse(broker, http, parameters, parties, origin=origin, return_to=return_to)


def _parse(
    broker: Broker, http: Request, parameters: Parameters, parties: Parties, *, origin: str, return_to: str
) -> AuthorizationRequest:
    before = read_session(broker, http, parties.client.client_id)
    request = parse_session_request(
        parameters,
        parties.client,
        origin=origin,
        return_to=return_to,
        replaces=before.handle.grant_id if before else "",
        provider_ids=frozenset(parties.providers),
        own_scopes=OWN_SCOPES,
        resources=load_resources(broker, parties),
        issuer=broker.settings.issuer,
    )
    check_scope_words(broker, request.scopes)
    return request
