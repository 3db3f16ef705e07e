"""GET and POST /authorize (RFC 6749 section 4.1.1, RFC 9207, OpenID Connect Core section 3.1.2).

Until the client and the redirect URI are verified, every error is a page of the broker. After that, errors redirect at
once for clients that the operator registered. For other clients nothing redirects before the user has acted (AUTHZ-15).
"""

from urllib.parse import urlencode, urlsplit

from msgspec import Struct, structs

from chalicelib.endpoints.authorization.consent.returning import show_page
from chalicelib.endpoints.authorization.consent.session_sign_in import (
    ActiveSession,
    can_skip_provider,
    find_active_session,
    has_consent,
    is_expected_user,
    issue_from_session,
    requires_login,
    was_removed,
    was_revoked_by_user,
)
from chalicelib.endpoints.authorization.provider_redirect import redirect_to_provider
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest, is_reference, open_pushed
from chalicelib.endpoints.authorization.request import check_request
from chalicelib.endpoints.authorization.response import (
    client_home_uri,
    error_response,
    request_error_response,
    send_response,
)
from chalicelib.endpoints.browser.page_forms import parse_for_page
from chalicelib.endpoints.callers.clients import ClientContext, load_client_context, load_sufficient_context
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import check_redirect, mode_of_refusal
from chalicelib.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    OAuthError,
    PageError,
)
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import split_by_provider
from chalicelib.records.item_keys import is_url
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.responses import Response, redirect_response

# The gateway accepts 10,240 bytes of headers, cookies included, in a response and in the request that follows it.
MAX_PLACE = 8000


class ShowPage(Struct, frozen=True):
    """The user has to decide on a page."""


class GoOn(Struct, frozen=True, kw_only=True):
    """Nothing new has to be decided; `decided_by` is the user of the session, or the operator."""

    provider_id: str
    decided_by: str


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    if http.method == "POST":
        parse_shown_request((*http.query, *http.form))
        place = urlsplit(broker.settings.issuer).path + "/authorize?" + urlencode([*http.query, *http.form])
        if len(place) > MAX_PLACE:
            raise PageError("request_too_large", status=413)
        return redirect_response(place)
    parameters = parse_shown_request(http.query)
    if is_reference(parameters):
        return _answer_pushed(broker, http, parameters)
    _refresh_document(broker, http, parameters.get("client_id"))
    return _answer_query(broker, http, parameters)


def _refresh_document(broker: Broker, http: Request, client_id: str | None) -> None:
    """Update a client whose id is the URL of its document, or refuse it."""
    if client_id is None or not is_url(client_id):
        return
    from chalicelib.endpoints.callers.client_id_documents import DocumentRefused, refresh_document

    try:
        refresh_document(broker, http, client_id)
    except DocumentRefused as error:
        raise PageError(error.reason, page="client_document").because_of(error) from None


def _check_may_redirect(context: ClientContext, error: OAuthError) -> None:
    """Allow an error to redirect at once. Raises PageError if the user has to act before any redirect."""
    error.noting(client_id=context.client.client_id)
    if context.client.registered_by != "operator":
        raise PageError(error.reason, page="not_allowed", link=client_home_uri(context.client)).because_of(error)


def parse_shown_request(pairs: tuple[tuple[str, str], ...]) -> Parameters:
    """The parameters from the query, or from a form, which the redirect would put into a URL (GEN-05).

    Raises PageError.
    """
    return parse_for_page(pairs, repeatable=frozenset({"resource"}), of_client=True)


def _answer_query(broker: Broker, http: Request, parameters: Parameters) -> Response:
    """Answer a request with its parameters in the URL."""
    client_id = parameters.get("client_id")
    try:
        context, request = check_request(broker, parameters, client_id, pushed=False)
        opened = OpenedRequest(request=request, grant_id=broker.entropy.token_bytes(16).hex())
        return answer_checked_request(broker, http, opened, context)
    except PageError:
        raise
    except OAuthError as error:
        context = load_client_context(broker, client_id)
        redirect_uri = check_redirect(parameters, context.client)
        mode = mode_of_refusal(parameters, context.client, redirect_uri)
        _check_may_redirect(context, error)
        return send_response(
            broker, error_response(broker, http, redirect_uri, parameters.get("state"), error, mode=mode)
        )


def _answer_pushed(broker: Broker, http: Request, parameters: Parameters) -> Response:
    """Answer a pushed request; the URL contains only its reference."""
    opened, context, cookies = open_pushed(broker, http, parameters)
    try:
        reply = answer_checked_request(broker, http, opened, context)
    except PageError:
        raise
    except OAuthError as error:
        _check_may_redirect(context, error)
        reply = send_response(broker, request_error_response(broker, http, opened.request, error))
    return structs.replace(reply, ui_locales=opened.request.ui_locales).with_headers(*cookies)


def answer_checked_request(broker: Broker, http: Request, opened: OpenedRequest, context: ClientContext) -> Response:
    """The page, a redirect to the provider, or the response. Raises PageError, and the errors of prompt=none."""
    request = opened.request
    context = _with_providers(broker, request, context)
    if "none" in request.prompt and context.client.registered_by != "operator":
        raise PageError("prompt_none_self_registered", page="not_allowed", link=client_home_uri(context.client))
    active_session = find_active_session(broker, http, request.client_id)
    if active_session and not is_expected_user(broker, request, context.client, active_session.session.sub):
        active_session = None
    decision = _decide(broker, request, context, active_session)
    if "none" in request.prompt:
        return _answer_silently(broker, opened, context, active_session, decision)
    if isinstance(decision, ShowPage):
        return show_page(broker, http, opened, context, active_session)
    if active_session and can_skip_provider(broker, active_session, request, decision.provider_id, request.scopes):
        grant_id = opened.grant_id
        answer, session = issue_from_session(
            broker, active_session, request, context, grant_id=grant_id, allowed=request.scopes
        )
        return send_response(broker, answer).with_headers(*session)
    url, cookies = redirect_to_provider(
        broker,
        http,
        request,
        context,
        provider_id=decision.provider_id,
        allowed=request.scopes,
        grant_id=opened.grant_id,
        decided_by=decision.decided_by,
        stored=opened.stored,
    )
    return redirect_response(url).with_headers(*cookies)


def _with_providers(broker: Broker, request: AuthorizationRequest, context: ClientContext) -> ClientContext:
    """Check that the request's providers are still enabled, because the request may have been pushed earlier.

    Raises PageError, after reading the records again.
    """
    context = load_sufficient_context(
        broker, request.client_id, lambda one: _are_on(broker, request, one), known=context
    )
    if not _are_on(broker, request, context):
        refusal = PageError("no_provider_switched_on", page="provider_unavailable", status=503)
        wanted = split_by_provider(request.scopes, broker.catalog.ids).keys() | {request.provider_id}
        raise refusal.noting(client_id=request.client_id, expected=wanted - {""}, received=context.providers)
    return context


def _are_on(broker: Broker, request: AuthorizationRequest, context: ClientContext) -> bool:
    named = split_by_provider(request.scopes, broker.catalog.ids).keys() | {request.provider_id}
    return bool(context.providers) and named - {""} <= context.providers.keys()


def _decide(
    broker: Broker, request: AuthorizationRequest, context: ClientContext, active_session: ActiveSession | None
) -> ShowPage | GoOn:
    """Skip the page only if every condition holds."""
    client = context.client
    if request.prompt & {"consent", "select_account"} or client.registered_by != "operator":
        return ShowPage()
    web_redirect = request.redirect_uri.startswith("https://")
    removed = active_session is not None and was_removed(broker, active_session, request, context)
    if client.first_party and web_redirect and request.provider_id and not removed:
        return GoOn(provider_id=request.provider_id, decided_by="operator")
    if active_session is None or not (client.is_confidential or web_redirect):
        return ShowPage()
    provider_id = request.provider_id or active_session.session.provider_id
    if provider_id not in context.providers or provider_id != active_session.session.provider_id:
        return ShowPage()
    if was_revoked_by_user(active_session, provider_id) or not has_consent(broker, active_session, request, context):
        return ShowPage()
    return GoOn(provider_id=provider_id, decided_by=f"session:{active_session.session.sub}")


def _answer_silently(
    broker: Broker,
    opened: OpenedRequest,
    context: ClientContext,
    active_session: ActiveSession | None,
    decision: ShowPage | GoOn,
) -> Response:
    """prompt=none never shows a page and never approves anything new (OpenID Connect Core section 3.1.2.6)."""
    request, grant_id = opened.request, opened.grant_id
    if active_session is None:
        raise LoginRequired("no_session")
    if request.provider_id not in ("", active_session.session.provider_id):
        raise LoginRequired("session_of_another_provider")
    if requires_login(request, active_session.session, active_session.now):
        raise LoginRequired("login_too_old")
    if isinstance(decision, ShowPage) or not has_consent(broker, active_session, request, context):
        raise ConsentRequired("not_covered")
    if not can_skip_provider(broker, active_session, request, decision.provider_id, request.scopes):
        raise InteractionRequired("trip_needed")
    answer, session = issue_from_session(
        broker, active_session, request, context, grant_id=grant_id, allowed=request.scopes
    )
    return send_response(broker, answer).with_headers(*session)
