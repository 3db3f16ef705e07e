"""POST /signin: the decision, before anything happens at a provider or in the vault (CONS-04, GEN-20).

Every answer that leaves our site is a 200 page with a meta refresh and a link: a redirect would fall under
`form-action` for the whole chain that follows.
"""

import hmac
from urllib.parse import urlsplit

from chalicelib.endpoints.answers import deliver_behind_form, leave, refusal_of, way_back
from chalicelib.endpoints.cookies import read_browser
from chalicelib.endpoints.decided import load_shown
from chalicelib.endpoints.device_decision import deny_device, show_end
from chalicelib.endpoints.forms import is_fresh, open_form
from chalicelib.endpoints.parties import Parties, load_parties
from chalicelib.endpoints.sitting import find_sitting, finish_sitting, suffices, took_back
from chalicelib.endpoints.travel import begin_trip, provider_name
from chalicelib.endpoints.withdrawing import withdraw_connection
from chalicelib.ports import Broker
from chalicelib.protocol.errors import AccessDenied, InvalidRequest, PageError
from chalicelib.protocol.evidence import seen
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters
from chalicelib.records.sign_in import AuthorizationRequest, PageForm
from chalicelib.replies import Reply


def answer(broker: Broker, http: Request) -> Reply:
    """Raises PageError."""
    check_own_form(broker, http)
    parameters = _parse(http)
    form = _open(broker, http, parameters)
    request = load_shown(broker, form)
    parties = _load(broker, request, form.provider_id or parameters.get("provider"))
    if parties.client.revision != request.client_revision:
        raise PageError("client_changed", page="sign_in_over", link=way_back(parties.client))
    decision = parameters.get("decision")
    if decision in ("deny", "cancel"):
        return _deny(broker, http, form, request, parties)
    if decision == "continue" and form.granted is not None:
        return _go_on(
            broker,
            http,
            form,
            request,
            parties,
            provider_id=form.provider_id,
            allowed=form.granted,
            in_a_day=form.in_a_day,
        )
    if decision == "retry" and form.granted is not None:
        return _go_on(
            broker,
            http,
            form,
            request,
            parties,
            provider_id=form.provider_id,
            allowed=form.allowed,
            in_a_day=form.in_a_day,
            trip=True,
        )
    if decision != "allow" or form.granted is not None:
        raise PageError("decision_unknown")
    provider_id = _choose_provider(request, parties, parameters.get("provider"))
    allowed = _choose_scopes(broker, request, parties, provider_id, parameters.all("scope"))
    in_a_day = parameters.get("ends") == "in_a_day"
    return _go_on(broker, http, form, request, parties, provider_id=provider_id, allowed=allowed, in_a_day=in_a_day)


def check_own_form(broker: Broker, http: Request) -> None:
    """The form must come from a page of ours: Origin, or `null` together with Sec-Fetch-Site (GEN-20)."""
    parts = urlsplit(broker.settings.issuer)
    origin = http.header("origin")
    ours = origin == f"{parts.scheme}://{parts.netloc}"
    if not ours and not (origin == "null" and http.header("sec-fetch-site") == "same-origin"):
        refusal = PageError("origin_not_ours", page="csrf", status=403)
        raise refusal.noting(expected=f"{parts.scheme}://{parts.netloc}", received=seen(origin) or "none")


def _load(broker: Broker, request: AuthorizationRequest, provider_id: str | None) -> Parties:
    """From the cache; what the page offered and the cache does not know is looked up once more before it is refused."""
    parties = load_parties(broker, request.client_id)
    known = provider_id is None or provider_id in parties.providers
    if known and parties.client.revision == request.client_revision:
        return parties
    return load_parties(broker, request.client_id, fresh=True)


def _parse(http: Request) -> Parameters:
    try:
        return Parameters.parse(
            [(name, value) for name, value in http.form if name != "request"], repeatable=frozenset({"scope"})
        )
    except InvalidRequest as error:
        raise PageError(error.reason).because_of(error) from None


def _open(broker: Broker, http: Request, parameters: Parameters) -> PageForm:
    """The sealed request, which opens only for the browser that was shown it."""
    browser = read_browser(broker, http)
    if browser is None:
        raise PageError("browser_cookie_missing", page="cookie_missing", status=403)
    sealed = [value for name, value in http.form if name == "request"]
    form = open_form(broker, sealed[0], browser) if len(sealed) == 1 else None
    if form is None:
        raise PageError("form_not_of_this_browser", page="csrf", status=403)
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="sign_in_over", status=403, link=_find_way_back(broker, form))
    return form


def _find_way_back(broker: Broker, form: PageForm) -> str | None:
    return way_back(load_parties(broker, form.client_id).client)


def _deny(broker: Broker, http: Request, form: PageForm, request: AuthorizationRequest, parties: Parties) -> Reply:
    """Denying is as easy as allowing (CONS-06); what a provider gave in part is taken back."""
    if form.connection_id:
        withdraw_connection(broker, form, parties)
    if request.device_round:
        return deny_device(broker, form.grant_id, request.client_id, request.device_round)
    return deliver_behind_form(broker, refusal_of(broker, http, request, AccessDenied("user_denied")))


def _choose_provider(request: AuthorizationRequest, parties: Parties, chosen: str | None) -> str:
    if chosen is None or chosen not in parties.providers:
        raise PageError("provider_not_offered")
    if request.provider_id and not hmac.compare_digest(chosen, request.provider_id):
        raise PageError("provider_not_asked")
    return chosen


def _choose_scopes(
    broker: Broker, request: AuthorizationRequest, parties: Parties, provider_id: str, ticked: tuple[str, ...]
) -> frozenset[str]:
    """All that is required, and what was left ticked of the rest; the form can add nothing.

    Where the user chose among several providers, what the others' cards held was not allowed.
    """
    shown = request.scopes
    if not request.provider_id:
        others = broker.catalog.ids - {provider_id}
        shown = frozenset(scope for scope in shown if scope.partition(":")[0] not in others or ":" not in scope)
    optional = shown & parties.client.optional_scopes
    return (shown - optional) | (optional & frozenset(ticked))


def _go_on(
    broker: Broker,
    http: Request,
    form: PageForm,
    request: AuthorizationRequest,
    parties: Parties,
    *,
    provider_id: str,
    allowed: frozenset[str],
    in_a_day: bool,
    trip: bool = False,
) -> Reply:
    if provider_id not in parties.providers:
        raise PageError("provider_switched_off", page="provider_unavailable")
    sitting = None if trip else find_sitting(broker, http, request.client_id)
    if sitting and form.sub in ("", sitting.session.sub) and suffices(broker, sitting, request, provider_id, allowed):
        answer, session = finish_sitting(
            broker, sitting, request, parties, grant_id=form.grant_id, allowed=allowed, by_user=True, in_a_day=in_a_day
        )
        if request.device_round:
            return show_end(broker, "device_done").with_headers(*session)
        return deliver_behind_form(broker, answer).with_headers(*session)
    url, cookies = begin_trip(
        broker,
        http,
        request,
        parties,
        provider_id=provider_id,
        allowed=allowed,
        grant_id=form.grant_id,
        decided_by="page",
        in_a_day=in_a_day,
        stored=form.stored,
        asks_again=sitting is not None and took_back(sitting, provider_id),
    )
    return leave(broker, url, provider_name(broker, provider_id)).with_headers(*cookies)
