"""GET and POST /connect/{link}: the user for whom an app requested the link reads it and decides (CB-03).

GET changes nothing, so link scanners do no harm. Both need a browser session of the same user. Without a session, the
page offers to show an existing login; with another user's session, it refuses.
"""

import hmac

from chalicelib.endpoints.authorization.consent.session_sign_in import ActiveSession, find_active_session
from chalicelib.endpoints.authorization.provider_redirect import provider_name, redirect_for_link
from chalicelib.endpoints.authorization.response import client_home_uri, error_location
from chalicelib.endpoints.browser.error_page import leaving_page
from chalicelib.endpoints.browser.page_forms import check_own_form, open_page_form, parse_form
from chalicelib.endpoints.browser.sealed_forms import is_fresh, open_link_form
from chalicelib.endpoints.browser.urls import host_of
from chalicelib.endpoints.callers.clients import ClientContext, load_client_context
from chalicelib.endpoints.connections.link_page import show_link, show_login_first, show_outcome
from chalicelib.ports import Broker
from chalicelib.protocol.errors import AccessDenied, PageError
from chalicelib.protocol.request import Request
from chalicelib.records.link import Link, LinkForm
from chalicelib.responses import Response
from chalicelib.vault.connect_links import LinkRequester, check_requester, open_link, requester_keys


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    if http.method == "POST":
        check_own_form(broker, http)
    sealed = http.path.get("link", "")
    link = open_link(broker, sealed)
    context = load_client_context(broker, link.client_id)
    if http.method == "POST":
        return _decide(broker, http, link, context)
    active_session = find_active_session(broker, http, link.client_id, *requester_keys(link))
    if active_session is None:
        return show_login_first(broker, link, context, sealed)
    asker = check_active_session(broker, link, active_session)
    return show_link(broker, http, link, context, active_session, asker=asker, sealed=sealed)


def check_active_session(broker: Broker, link: Link, active_session: ActiveSession | None) -> LinkRequester:
    """The active session must be of the user for whom the app requested the link, and that grant must be valid.

    Raises PageError; nothing is stored then.
    """
    if active_session is None:
        raise PageError("link_without_session", page="link_over", status=403)
    if not hmac.compare_digest(active_session.session.sub, link.sub):
        raise PageError("link_of_another_user", page="link_of_another", status=403)
    return check_requester(broker, link, active_session.found)


def _decide(broker: Broker, http: Request, link: Link, context: ClientContext) -> Response:
    parameters = parse_form(http)
    decision = parameters.get("decision")
    if decision == "sign_in":
        return _travel(broker, link.login, redirect_for_link(broker, http, link, context, purpose="show_login"))
    form = _open_form(broker, http, link, context)
    check_active_session(broker, link, find_active_session(broker, http, link.client_id, *requester_keys(link)))
    if decision == "deny":
        return _deny(broker, http, link, context)
    if decision != "allow":
        raise PageError("decision_unknown")
    allowed = (form.scopes - form.optional) | (form.optional & frozenset(parameters.all("scope")))
    if not allowed:
        return _deny(broker, http, link, context)
    return _travel(
        broker, link.provider_id, redirect_for_link(broker, http, link, context, purpose="connect", allowed=allowed)
    )


def _open_form(broker: Broker, http: Request, link: Link, context: ClientContext) -> LinkForm:
    """The form that this browser was shown for this link."""
    form = open_page_form(broker, http, open_link_form)
    if not hmac.compare_digest(form.link_id, link.link_id):
        raise PageError("form_not_of_this_browser", page="csrf", status=403)
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="link_over", status=403, link=client_home_uri(context.client))
    return form


def _deny(broker: Broker, http: Request, link: Link, context: ClientContext) -> Response:
    if not link.redirect_uri:
        return show_outcome(broker, "not_connected", context.client)
    place = error_location(broker, http, link, AccessDenied("user_denied"))
    return leaving_page(broker, place, host_of(link.redirect_uri))


def _travel(broker: Broker, provider_id: str, trip: tuple[str, tuple[tuple[str, str], ...]]) -> Response:
    """Leave by a page: a redirect would be subject to the form's `form-action`."""
    url, cookies = trip
    return leaving_page(broker, url, provider_name(broker, provider_id)).with_headers(*cookies)
