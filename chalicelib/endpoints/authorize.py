"""GET and POST /authorize (RFC 6749 section 4.1.1, RFC 9207, OpenID Connect Core section 3.1.2).

Until client and redirect URI are proven every fault is a page of ours. Afterwards faults redirect at once only to
operator-registered clients; for the others nothing redirects before the user has acted (AUTHZ-15).
"""

from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from chalicelib.custody.linking import check_scope_words
from chalicelib.endpoints.answers import error_location, way_back
from chalicelib.endpoints.choice import show_choice
from chalicelib.endpoints.parties import OWN_SCOPES, Parties, load_parties
from chalicelib.endpoints.sitting import (
    Sitting,
    find_sitting,
    finish_sitting,
    is_covered,
    needs_login,
    suffices,
    took_back,
)
from chalicelib.endpoints.travel import begin_trip
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import check_redirect, parse_authorization_request
from chalicelib.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    PageError,
)
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters, check_no_secret_in_query
from chalicelib.records.places import resource_place
from chalicelib.records.resource import Resource
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.replies import Reply, redirect_reply

# The gateway takes 10,240 bytes of headers, in an answer and in the request that follows it, cookies included.
MAX_PLACE = 8000


class ShowPage(Struct, frozen=True):
    """The user has something to decide."""


class GoOn(Struct, frozen=True, kw_only=True):
    """Nothing new is to be decided; `decided_by` is the user of the session, or the operator."""

    provider_id: str
    decided_by: str


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    if http.method == "POST":
        _parse((*http.query, *http.form))
        place = urlsplit(broker.settings.issuer).path + "/authorize?" + urlencode([*http.query, *http.form])
        if len(place) > MAX_PLACE:
            raise PageError("request_too_large", status=413)
        return redirect_reply(place)
    parameters = _parse(http.query)
    client_id = parameters.get("client_id")
    try:
        parties, request = _check(broker, parameters, client_id)
        return _answer_checked(broker, http, request, parties)
    except PageError:
        raise
    except OAuthError as error:
        parties = load_parties(broker, client_id)
        redirect_uri = check_redirect(parameters, parties.client)
        return refuse(broker, parties, redirect_uri, _state(parameters), error)


def refuse(broker: Broker, parties: Parties, redirect_uri: str, state: str | None, error: OAuthError) -> Reply:
    """An error answer at once, or our page where no redirect may happen before the user has acted."""
    broker.log.event("authorize_refused", client_id=parties.client.client_id, reason=error.reason, error=error.code)
    if parties.client.registered_by != "operator":
        raise PageError(error.reason, page="not_allowed", link=way_back(parties.client))
    return redirect_reply(error_location(broker, redirect_uri, state, error))


def _parse(pairs: tuple[tuple[str, str], ...]) -> Parameters:
    """What was sent, whether it stands in the URL already or would stand there after the redirect (GEN-05)."""
    try:
        check_no_secret_in_query(pairs)
        return Parameters.parse(pairs, repeatable=frozenset({"resource"}))
    except InvalidRequest as error:
        raise PageError(error.reason) from None


def _state(parameters: Parameters) -> str | None:
    return parameters.get("state")


def _check(broker: Broker, parameters: Parameters, client_id: str | None) -> tuple[Parties, AuthorizationRequest]:
    """The request, checked against its client's registration; a refusal that rests on the cache reads once more."""
    parties = load_parties(broker, client_id)
    try:
        return parties, _parse_request(broker, parameters, parties)
    except OAuthError:
        parties = load_parties(broker, client_id, fresh=True)
        return parties, _parse_request(broker, parameters, parties)


def _parse_request(broker: Broker, parameters: Parameters, parties: Parties) -> AuthorizationRequest:
    request = parse_authorization_request(
        parameters,
        parties.client,
        redirect_uri=check_redirect(parameters, parties.client),
        provider_ids=frozenset(parties.providers),
        own_scopes=OWN_SCOPES,
        resources=_load_resources(broker, parties),
        issuer=broker.settings.issuer,
    )
    check_scope_words(broker, request.scopes)
    if not parties.providers:
        raise PageError("no_provider_switched_on", page="provider_unavailable", status=503)
    return request


def _load_resources(broker: Broker, parties: Parties) -> dict[str, Resource]:
    """The resources that this client may ask for, as far as they are registered."""
    places = [resource_place(audience) for audience in sorted(parties.client.resources)]
    if not places:
        return {}
    found = broker.registry.lookup(*places)
    return {resource.audience: resource for place in places if (resource := found.get(place))}


def _answer_checked(broker: Broker, http: Request, request: AuthorizationRequest, parties: Parties) -> Reply:
    if "none" in request.prompt and parties.client.registered_by != "operator":
        raise PageError("prompt_none_self_registered", page="not_allowed", link=way_back(parties.client))
    sitting = find_sitting(broker, http, request.client_id)
    decision = _decide(broker, request, parties, sitting)
    if "none" in request.prompt:
        return _answer_silently(broker, request, parties, sitting, decision)
    if isinstance(decision, ShowPage):
        return show_choice(broker, http, request, parties, sitting.session if sitting else None)
    grant_id = broker.entropy.token_bytes(16).hex()
    if sitting and suffices(broker, sitting, request, decision.provider_id, request.scopes):
        place, session = finish_sitting(broker, sitting, request, parties, grant_id=grant_id, allowed=request.scopes)
        return redirect_reply(place).with_headers(*session)
    url, cookies = begin_trip(
        broker,
        http,
        request,
        parties,
        provider_id=decision.provider_id,
        allowed=request.scopes,
        grant_id=grant_id,
        decided_by=decision.decided_by,
        asks_again=sitting is not None and took_back(sitting, decision.provider_id),
    )
    return redirect_reply(url).with_headers(*cookies)


def _decide(
    broker: Broker, request: AuthorizationRequest, parties: Parties, sitting: Sitting | None
) -> ShowPage | GoOn:
    """Skip the page only when every condition holds."""
    client = parties.client
    if request.prompt & {"consent", "select_account"} or client.registered_by != "operator":
        return ShowPage()
    web_redirect = request.redirect_uri.startswith("https://")
    if client.first_party and web_redirect and request.provider_id:
        return GoOn(provider_id=request.provider_id, decided_by="operator")
    if sitting is None or not (client.is_confidential or web_redirect):
        return ShowPage()
    provider_id = request.provider_id or sitting.session.provider_id
    if provider_id not in parties.providers or provider_id != sitting.session.provider_id:
        return ShowPage()
    if not is_covered(broker, sitting, request, parties):
        return ShowPage()
    return GoOn(provider_id=provider_id, decided_by=f"session:{sitting.session.sub}")


def _answer_silently(
    broker: Broker,
    request: AuthorizationRequest,
    parties: Parties,
    sitting: Sitting | None,
    decision: ShowPage | GoOn,
) -> Reply:
    """prompt=none never shows and never approves anything new (OpenID Connect Core section 3.1.2.6)."""
    if sitting is None:
        raise LoginRequired("no_session")
    if request.provider_id not in ("", sitting.session.provider_id):
        raise LoginRequired("session_of_another_provider")
    if needs_login(request, sitting.session, broker.clock.now()):
        raise LoginRequired("login_too_old")
    if isinstance(decision, ShowPage) or not is_covered(broker, sitting, request, parties):
        raise ConsentRequired("not_covered")
    if not suffices(broker, sitting, request, decision.provider_id, request.scopes):
        raise InteractionRequired("trip_needed")
    grant_id = broker.entropy.token_bytes(16).hex()
    place, session = finish_sitting(broker, sitting, request, parties, grant_id=grant_id, allowed=request.scopes)
    return redirect_reply(place).with_headers(*session)
