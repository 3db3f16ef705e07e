"""POST /signin: the decision, before anything happens at a provider or in the vault (CONS-04, GEN-20).

Every response that leaves the broker's site is a 200 page with a meta refresh and a link. A redirect would be subject
to `form-action` for the whole chain that follows.
"""

import hmac

from chalicelib.endpoints.authorization.consent.partial_cancel import cancel_partial_connection
from chalicelib.endpoints.authorization.consent.returning import answer_returning
from chalicelib.endpoints.authorization.consent.session_sign_in import (
    can_skip_provider,
    find_active_session,
    issue_from_session,
    was_revoked_by_user,
)
from chalicelib.endpoints.authorization.device_approval import deny_device, show_end
from chalicelib.endpoints.authorization.pending_request import load_form_request
from chalicelib.endpoints.authorization.provider_redirect import provider_name, redirect_to_provider
from chalicelib.endpoints.authorization.response import client_home_uri, request_error_response, send_response_from_form
from chalicelib.endpoints.browser.error_page import leaving_page
from chalicelib.endpoints.browser.page_forms import check_own_form, open_page_form, parse_form
from chalicelib.endpoints.browser.sealed_forms import is_fresh, open_form
from chalicelib.endpoints.callers.clients import ClientContext, load_client_context, load_sufficient_context
from chalicelib.ports import Broker
from chalicelib.protocol.errors import AccessDenied, PageError
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import AuthorizationRequest, PageForm
from chalicelib.responses import Response


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    check_own_form(broker, http)
    parameters = parse_form(http)
    form = _open(broker, http)
    request = load_form_request(broker, form)
    context = _load(broker, request, form.provider_id or parameters.get("provider"))
    if context.client.revision != request.client_revision:
        raise PageError("client_changed", page="sign_in_over", link=client_home_uri(context.client))
    decision = _read_decision(form, parameters)
    if decision in ("deny", "cancel"):
        return _deny(broker, http, form, request, context)
    if form.returning:
        return answer_returning(broker, http, form, request, context, decision=decision)
    if decision in ("continue", "retry") and form.granted is not None:
        again = decision == "retry"
        return _go_on(
            broker,
            http,
            form,
            request,
            context,
            provider_id=form.provider_id,
            allowed=form.allowed if again else form.granted,
            in_a_day=form.in_a_day,
            trip=again,
        )
    if decision != "allow" or form.granted is not None:
        raise PageError("decision_unknown")
    provider_id = _choose_provider(request, context, parameters.get("provider"))
    allowed = _choose_scopes(broker, request, context, provider_id, parameters.all("scope"))
    in_a_day = parameters.get("ends") == "in_a_day"
    return _go_on(broker, http, form, request, context, provider_id=provider_id, allowed=allowed, in_a_day=in_a_day)


def _read_decision(form: PageForm, parameters: Parameters) -> str | None:
    """The button that was pressed. With several providers, each one's own button means allow."""
    decision = parameters.get("decision")
    if decision is None and form.several and parameters.get("provider") is not None:
        return "allow"
    return decision


def _load(broker: Broker, request: AuthorizationRequest, provider_id: str | None) -> ClientContext:
    """Load the client from the cache; read again if the cache lacks what the page offered."""

    def suffices(context: ClientContext) -> bool:
        known = provider_id is None or provider_id in context.providers
        return known and context.client.revision == request.client_revision

    return load_sufficient_context(broker, request.client_id, suffices)


def _open(broker: Broker, http: Request) -> PageForm:
    """Decrypt the request, which is bound to the browser that was shown it."""
    form = open_page_form(broker, http, open_form)
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="sign_in_over", status=403, link=_find_way_back(broker, form))
    return form


def _find_way_back(broker: Broker, form: PageForm) -> str | None:
    return client_home_uri(load_client_context(broker, form.client_id).client)


def _deny(
    broker: Broker, http: Request, form: PageForm, request: AuthorizationRequest, context: ClientContext
) -> Response:
    """Deny, as easily as allow (CONS-06); a partial connection is revoked."""
    if form.connection_id:
        cancel_partial_connection(broker, form, context)
    if request.device_round:
        return deny_device(broker, form.grant_id, request.client_id, request.device_round)
    return send_response_from_form(broker, request_error_response(broker, http, request, AccessDenied("user_denied")))


def _choose_provider(request: AuthorizationRequest, context: ClientContext, chosen: str | None) -> str:
    if chosen is None or chosen not in context.providers:
        raise PageError("provider_not_offered")
    if request.provider_id and not hmac.compare_digest(chosen, request.provider_id):
        raise PageError("provider_not_asked")
    return chosen


def _choose_scopes(
    broker: Broker, request: AuthorizationRequest, context: ClientContext, provider_id: str, ticked: tuple[str, ...]
) -> frozenset[str]:
    """The required scopes and the ticked optional ones; the form cannot add any.

    If the user chose among several providers, the scopes of the others are not allowed.
    """
    shown = request.scopes
    if not request.provider_id:
        others = broker.catalog.ids - {provider_id}
        shown = frozenset(scope for scope in shown if scope.partition(":")[0] not in others or ":" not in scope)
    optional = shown & context.client.optional_scopes
    return (shown - optional) | (optional & frozenset(ticked))


def _go_on(
    broker: Broker,
    http: Request,
    form: PageForm,
    request: AuthorizationRequest,
    context: ClientContext,
    *,
    provider_id: str,
    allowed: frozenset[str],
    in_a_day: bool,
    trip: bool = False,
) -> Response:
    if provider_id not in context.providers:
        raise PageError("provider_switched_off", page="provider_unavailable")
    active_session = None if trip else find_active_session(broker, http, request.client_id)
    if (
        active_session
        and form.sub in ("", active_session.session.sub)
        and can_skip_provider(broker, active_session, request, provider_id, allowed)
    ):
        answer, session = issue_from_session(
            broker,
            active_session,
            request,
            context,
            grant_id=form.grant_id,
            allowed=allowed,
            by_user=True,
            in_a_day=in_a_day,
        )
        if request.device_round:
            return show_end(broker, "device_done", context.client.client_name).with_headers(*session)
        return send_response_from_form(broker, answer).with_headers(*session)
    url, cookies = redirect_to_provider(
        broker,
        http,
        request,
        context,
        provider_id=provider_id,
        allowed=allowed,
        grant_id=form.grant_id,
        decided_by="page",
        in_a_day=in_a_day,
        stored=form.stored,
        asks_again=active_session is not None and was_revoked_by_user(active_session, provider_id),
    )
    return leaving_page(broker, url, provider_name(broker, provider_id)).with_headers(*cookies)
