"""The page for a signed-in user who has already allowed everything that a verified client requests.

It is shown where a page is needed although nothing new has to be decided: a native client never gets a code without the
user's action (RFC 8252 section 8.6). The user continues, chooses another account on the full page, or cancels.
"""

import hmac
from urllib.parse import urlsplit

from msgspec import structs

from chalicelib.endpoints.authorization.consent.page import show_consent_page
from chalicelib.endpoints.authorization.consent.parties import describe_client, host_shown, person_of
from chalicelib.endpoints.authorization.consent.session_sign_in import (
    ActiveSession,
    can_skip_provider,
    find_active_session,
    has_consent,
    issue_from_session,
    requires_login,
    was_revoked_by_user,
)
from chalicelib.endpoints.authorization.provider_redirect import provider_name, redirect_to_provider
from chalicelib.endpoints.authorization.pushed_request import OpenedRequest
from chalicelib.endpoints.authorization.response import send_response_from_form
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.error_page import leaving_page
from chalicelib.endpoints.browser.sealed_forms import seal_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.endpoints.callers.clients import ClientContext
from chalicelib.pages.consent import ReturningPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import AuthorizationRequest, PageForm
from chalicelib.responses import Response, page_response


def show_page(
    broker: Broker, http: Request, opened: OpenedRequest, context: ClientContext, active_session: ActiveSession | None
) -> Response:
    """The short page for a user who has allowed everything before, else the full one."""
    if active_session is None:
        return show_consent_page(broker, http, opened, context, None)
    if not _has_nothing_new(broker, opened.request, context, active_session):
        return show_consent_page(broker, http, opened, context, active_session.session)
    return _show_returning(broker, http, opened, context, active_session)


def _has_nothing_new(
    broker: Broker, request: AuthorizationRequest, context: ClientContext, active_session: ActiveSession
) -> bool:
    """True if the operator registered the client, it requires no new decision or login, and the consent covers it."""
    session = active_session.session
    if context.client.registered_by != "operator" or request.prompt & {"consent", "select_account", "login"}:
        return False
    if request.provider_id not in ("", session.provider_id) or session.provider_id not in context.providers:
        return False
    if requires_login(request, session, active_session.now) or was_revoked_by_user(active_session, session.provider_id):
        return False
    return has_consent(broker, active_session, request, context)


def _show_returning(
    broker: Broker, http: Request, opened: OpenedRequest, context: ClientContext, active_session: ActiveSession
) -> Response:
    request, session, consent = opened.request, active_session.session, active_session.consent
    known = opened.browser or read_browser(broker, http)
    browser = known or new_browser(broker)
    form = PageForm(
        client_id=request.client_id,
        request=None if opened.stored else request,
        stored=opened.stored,
        grant_id=opened.grant_id,
        browser=browser_hash(browser),
        shown_at=broker.clock.now(),
        returning=True,
        provider_id=session.provider_id,
        sub=session.sub,
    )
    told = describe_client(context.client, request.redirect_uri)
    path = urlsplit(broker.settings.issuer).path
    page = ReturningPage(
        client_name=told["client_name"],
        client_host=told["client_host"],
        redirect_host=host_shown(request.redirect_uri),
        redirect_on_device=told["redirect_on_device"],
        person=person_of(broker, session),
        approved_at=consent.decided_at if consent else active_session.now,
        sealed_request=seal_form(broker, form),
        site=issuer_host(broker),
        action=path + "/signin",
        account=path + "/account",
    )
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def answer_returning(
    broker: Broker,
    http: Request,
    form: PageForm,
    request: AuthorizationRequest,
    context: ClientContext,
    *,
    decision: str | None,
) -> Response:
    """Continue as the user whom the page named, or choose another account on the full page. Raises PageError."""
    if decision == "switch":
        other = structs.replace(request, prompt=request.prompt | {"select_account"})
        opened = OpenedRequest(request=other, grant_id=form.grant_id, stored=form.stored)
        return show_consent_page(broker, http, opened, context, None)
    if decision != "allow":
        raise PageError("decision_unknown")
    active_session = find_active_session(broker, http, request.client_id)
    if active_session and _can_continue(broker, form, request, context, active_session):
        answer, session = issue_from_session(
            broker, active_session, request, context, grant_id=form.grant_id, allowed=request.scopes
        )
        return send_response_from_form(broker, answer).with_headers(*session)
    if form.provider_id not in context.providers:
        raise PageError("provider_switched_off", page="provider_unavailable")
    # Only that user may come back, and whatever is not covered by then is asked on the full page.
    url, cookies = redirect_to_provider(
        broker,
        http,
        request,
        context,
        provider_id=form.provider_id,
        allowed=request.scopes,
        grant_id=form.grant_id,
        decided_by=f"session:{form.sub}",
        stored=form.stored,
    )
    return leaving_page(broker, url, provider_name(broker, form.provider_id)).with_headers(*cookies)


def _can_continue(
    broker: Broker,
    form: PageForm,
    request: AuthorizationRequest,
    context: ClientContext,
    active_session: ActiveSession,
) -> bool:
    """True if the session is still of that user, and still covers the request as it was shown."""
    if not hmac.compare_digest(active_session.session.sub, form.sub):
        return False
    if not _has_nothing_new(broker, request, context, active_session):
        return False
    return can_skip_provider(broker, active_session, request, form.provider_id, request.scopes)
