"""GET and POST /authorize (RFC 6749 section 4.1.1, RFC 9207, OpenID Connect Core section 3.1.2).

Until client and redirect URI are proven every fault is a page of ours. Afterwards faults redirect at once only to
operator-registered clients; for the others nothing redirects before the user has acted (AUTHZ-15).
"""

from urllib.parse import urlencode, urlsplit

from msgspec import Struct, structs

from chalicelib.endpoints.answers import deliver, error_answer, refusal_of, way_back
from chalicelib.endpoints.checking import check_request
from chalicelib.endpoints.choice import show_choice
from chalicelib.endpoints.parties import Parties, load_parties
from chalicelib.endpoints.pushed import Opened, is_reference, open_pushed
from chalicelib.endpoints.sitting import (
    Sitting,
    find_sitting,
    finish_sitting,
    is_covered,
    is_meant,
    needs_login,
    suffices,
    took_back,
    was_removed,
)
from chalicelib.endpoints.travel import begin_trip
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import check_redirect, mode_of_refusal
from chalicelib.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    PageError,
)
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import split_by_provider
from chalicelib.protocol.single import Parameters, check_no_secret_in_query
from chalicelib.records.places import is_url
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
        parse_shown((*http.query, *http.form))
        place = urlsplit(broker.settings.issuer).path + "/authorize?" + urlencode([*http.query, *http.form])
        if len(place) > MAX_PLACE:
            raise PageError("request_too_large", status=413)
        return redirect_reply(place)
    parameters = parse_shown(http.query)
    if is_reference(parameters):
        return _answer_pushed(broker, http, parameters)
    _refresh_document(broker, http, parameters.get("client_id"))
    return _answer_query(broker, http, parameters)


def _refresh_document(broker: Broker, http: Request, client_id: str | None) -> None:
    """A client that is named by the URL of its document is known as that says now, or not at all."""
    if client_id is None or not is_url(client_id):
        return
    from chalicelib.endpoints.client_documents import DocumentRefused, refresh_document

    try:
        refresh_document(broker, http, client_id)
    except DocumentRefused as error:
        raise PageError(error.reason, page="client_document").because_of(error) from None


def _check_may_redirect(parties: Parties, error: OAuthError) -> None:
    """An error answer at once, or our page where no redirect may happen before the user has acted."""
    error.noting(client_id=parties.client.client_id)
    if parties.client.registered_by != "operator":
        raise PageError(error.reason, page="not_allowed", link=way_back(parties.client)).because_of(error)


def parse_shown(pairs: tuple[tuple[str, str], ...]) -> Parameters:
    """What was sent, whether it stands in the URL already or would stand there after the redirect (GEN-05).

    Raises PageError.
    """
    try:
        check_no_secret_in_query(pairs)
        return Parameters.parse(pairs, repeatable=frozenset({"resource"}))
    except InvalidRequest as error:
        raise PageError(error.reason).because_of(error) from None


def _answer_query(broker: Broker, http: Request, parameters: Parameters) -> Reply:
    """A request whose parameters stand in the URL."""
    client_id = parameters.get("client_id")
    try:
        parties, request = check_request(broker, parameters, client_id, pushed=False)
        opened = Opened(request=request, grant_id=broker.entropy.token_bytes(16).hex())
        return answer_checked(broker, http, opened, parties)
    except PageError:
        raise
    except OAuthError as error:
        parties = load_parties(broker, client_id)
        redirect_uri = check_redirect(parameters, parties.client)
        mode = mode_of_refusal(parameters, parties.client, redirect_uri)
        _check_may_redirect(parties, error)
        return deliver(broker, error_answer(broker, http, redirect_uri, parameters.get("state"), error, mode=mode))


def _answer_pushed(broker: Broker, http: Request, parameters: Parameters) -> Reply:
    """A request that was pushed: nothing but the reference to it stands in the URL."""
    opened, parties, cookies = open_pushed(broker, http, parameters)
    try:
        reply = answer_checked(broker, http, opened, parties)
    except PageError:
        raise
    except OAuthError as error:
        _check_may_redirect(parties, error)
        reply = deliver(broker, refusal_of(broker, http, opened.request, error))
    return structs.replace(reply, ui_locales=opened.request.ui_locales).with_headers(*cookies)


def answer_checked(broker: Broker, http: Request, opened: Opened, parties: Parties) -> Reply:
    """The page, a trip to the provider, or the answer at once. Raises PageError, and what prompt=none refuses."""
    request = opened.request
    parties = _with_providers(broker, request, parties)
    if "none" in request.prompt and parties.client.registered_by != "operator":
        raise PageError("prompt_none_self_registered", page="not_allowed", link=way_back(parties.client))
    sitting = find_sitting(broker, http, request.client_id)
    if sitting and not is_meant(broker, request, parties.client, sitting.session.sub):
        sitting = None
    decision = _decide(broker, request, parties, sitting)
    if "none" in request.prompt:
        return _answer_silently(broker, opened, parties, sitting, decision)
    if isinstance(decision, ShowPage):
        return show_choice(broker, http, opened, parties, sitting.session if sitting else None)
    if sitting and suffices(broker, sitting, request, decision.provider_id, request.scopes):
        grant_id = opened.grant_id
        answer, session = finish_sitting(broker, sitting, request, parties, grant_id=grant_id, allowed=request.scopes)
        return deliver(broker, answer).with_headers(*session)
    url, cookies = begin_trip(
        broker,
        http,
        request,
        parties,
        provider_id=decision.provider_id,
        allowed=request.scopes,
        grant_id=opened.grant_id,
        decided_by=decision.decided_by,
        stored=opened.stored,
    )
    return redirect_reply(url).with_headers(*cookies)


def _with_providers(broker: Broker, request: AuthorizationRequest, parties: Parties) -> Parties:
    """Those of this request are still switched on, and there is one to sign in with: it may have been pushed before.

    Raises PageError; before it does, the records are read once more.
    """
    if _are_on(broker, request, parties):
        return parties
    parties = load_parties(broker, request.client_id, fresh=True)
    if not _are_on(broker, request, parties):
        refusal = PageError("no_provider_switched_on", page="provider_unavailable", status=503)
        wanted = split_by_provider(request.scopes, broker.catalog.ids).keys() | {request.provider_id}
        raise refusal.noting(client_id=request.client_id, expected=wanted - {""}, received=parties.providers)
    return parties


def _are_on(broker: Broker, request: AuthorizationRequest, parties: Parties) -> bool:
    named = split_by_provider(request.scopes, broker.catalog.ids).keys() | {request.provider_id}
    return bool(parties.providers) and named - {""} <= parties.providers.keys()


def _decide(
    broker: Broker, request: AuthorizationRequest, parties: Parties, sitting: Sitting | None
) -> ShowPage | GoOn:
    """Skip the page only when every condition holds."""
    client = parties.client
    if request.prompt & {"consent", "select_account"} or client.registered_by != "operator":
        return ShowPage()
    web_redirect = request.redirect_uri.startswith("https://")
    removed = sitting is not None and was_removed(broker, sitting, request, parties)
    if client.first_party and web_redirect and request.provider_id and not removed:
        return GoOn(provider_id=request.provider_id, decided_by="operator")
    if sitting is None or not (client.is_confidential or web_redirect):
        return ShowPage()
    provider_id = request.provider_id or sitting.session.provider_id
    if provider_id not in parties.providers or provider_id != sitting.session.provider_id:
        return ShowPage()
    if took_back(sitting, provider_id) or not is_covered(broker, sitting, request, parties):
        return ShowPage()
    return GoOn(provider_id=provider_id, decided_by=f"session:{sitting.session.sub}")


def _answer_silently(
    broker: Broker, opened: Opened, parties: Parties, sitting: Sitting | None, decision: ShowPage | GoOn
) -> Reply:
    """prompt=none never shows and never approves anything new (OpenID Connect Core section 3.1.2.6)."""
    request, grant_id = opened.request, opened.grant_id
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
    answer, session = finish_sitting(broker, sitting, request, parties, grant_id=grant_id, allowed=request.scopes)
    return deliver(broker, answer).with_headers(*session)
