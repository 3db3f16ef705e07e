"""GET and POST /logout (OpenID Connect RP-Initiated Logout 1.0): ends the browser session at the broker.

Without an ID token of this session's user, a page asks first, so that no link can sign a user out. The browser is
redirected only to a URI that the client registered, and for a self-registered client only after the user has pressed a
button (AUTHZ-15). Apps' grants stay valid.
"""

from urllib.parse import urlencode, urlsplit

from chalicelib.access_token_check import verify_id_token
from chalicelib.endpoints.authorization.response import client_home_uri
from chalicelib.endpoints.browser.cookies import (
    BROWSER,
    PROVIDER,
    SESSION,
    Headers,
    SessionOwner,
    end_session,
    new_browser,
    read_browser,
    read_session_owner,
    set_cookie,
)
from chalicelib.endpoints.browser.error_page import leaving_page
from chalicelib.endpoints.browser.last_provider import last_provider_name
from chalicelib.endpoints.browser.page_forms import check_own_form, open_page_form, parse_for_page, parse_form
from chalicelib.endpoints.browser.sealed_forms import (
    is_fresh,
    open_sign_out_form,
    open_sign_out_request,
    seal_sign_out_form,
    seal_sign_out_request,
)
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import host_of, issuer_host, issuer_path
from chalicelib.endpoints.callers.clients import find_client
from chalicelib.endpoints.logout.signed_in_user import find_signed_in_user
from chalicelib.jobs.backchannel_logout import enqueue_logout
from chalicelib.pages.page import ErrorPage, SignOutPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidToken, PageError
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.sign_out import SignOutForm, SignOutRequest
from chalicelib.responses import Response, page_response, redirect_response
from chalicelib.token_issuer import pairwise_sid, subject_for

POSTED_SECONDS = 60


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    if http.method == "POST":
        return _decide(broker, http) if _is_decision(http) else _take_over(broker, http)
    parameters = parse_for_page(http.query, of_client=True)
    posted = parameters.get("request")
    request = _check(broker, parameters) if posted is None else _open_posted(broker, posted)
    client = find_client(broker, request.client_id)
    owner = read_session_owner(broker, http)
    if owner is not None and not _is_meant(broker, owner, request, client):
        return _ask(broker, http, request, client, owner)
    return _end(broker, http, request, client, owner, pressed=False)


def _is_decision(http: Request) -> bool:
    return any(name == "decision" for name, _ in http.form)


def _take_over(broker: Broker, http: Request) -> Response:
    """Redirect an app's POST, which is cross-site and has no cookie, to a GET with the checked and encrypted request.
    The URL does not contain the ID token."""
    request = _check(broker, parse_for_page((*http.query, *http.form), of_client=True))
    place = urlsplit(broker.settings.issuer).path + "/logout?"
    return redirect_response(place + urlencode({"request": seal_sign_out_request(broker, request)}))


def _open_posted(broker: Broker, sealed: str) -> SignOutRequest:
    request = open_sign_out_request(broker, sealed)
    if request is None or not 0 <= broker.clock.now() - request.at < POSTED_SECONDS:
        raise PageError("sign_out_posted_too_long_ago")
    return request


def _check(broker: Broker, parameters: Parameters) -> SignOutRequest:
    """The client, the user and the redirect of the request (RP-Initiated Logout 1.0 sections 2 and 3).

    A request without a known client redirects nowhere, but the user of the active session can still sign out.

    Raises PageError if the hint names another client, or the redirect is not registered.
    """
    hint = _read_hint(broker, parameters.get("id_token_hint"))
    named = parameters.get("client_id")
    if hint and named not in (None, hint["aud"]):
        raise PageError("hint_of_another_client")
    client_id, asked = named or hint.get("aud", ""), parameters.get("post_logout_redirect_uri")
    client = find_client(broker, client_id)
    if client is not None and asked not in (None, *client.post_logout_redirect_uris):
        client = find_client(broker, client_id, fresh=True)
    if client is None:
        broker.log.event(
            "sign_out_of_nobody_known", named=named is not None, hint=bool(hint), returns=asked is not None
        )
        return SignOutRequest(at=broker.clock.now())
    if asked not in (None, *client.post_logout_redirect_uris):
        registered = client.post_logout_redirect_uris
        refusal = PageError("post_logout_redirect_uri_not_registered", page="redirect_uri_wrong")
        raise refusal.noting(client_id=client.client_id, expected=registered, received=redact(asked, registered))
    return SignOutRequest(
        at=broker.clock.now(),
        client_id=client.client_id,
        sub=hint.get("sub", ""),
        sid=hint.get("sid", ""),
        redirect_uri=asked or "",
        state=parameters.get("state"),
    )


def _read_hint(broker: Broker, hint: str | None) -> dict[str, str]:
    """The claims of an ID token of the broker, expired or not; empty for any other value."""
    if hint is None:
        return {}
    try:
        return verify_id_token(broker, hint)
    except InvalidToken as error:
        broker.log.event("id_token_hint_refused", reason=error.reason)
        return {}


def _is_meant(broker: Broker, owner: SessionOwner, request: SignOutRequest, client: Client | None) -> bool:
    """True if the app has an ID token of this session, with either `sub` of its user. A token of another session is not
    enough, because others may have it (RP-Initiated Logout 1.0 section 2)."""
    if client is None:
        return False
    shown = subject_for(broker, client, owner.sub)
    named = (owner.sid, pairwise_sid(broker, owner.sid, shown))
    return request.sub in (owner.sub, shown) and bool(request.sid) and request.sid in named


def _ask(
    broker: Broker, http: Request, request: SignOutRequest, client: Client | None, owner: SessionOwner
) -> Response:
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    now = broker.clock.now()
    form = SignOutForm(request=request, browser=browser_hash(browser), shown_at=now)
    page = SignOutPage(
        client_name=client.client_name if client is not None and client.registered_by == "operator" else None,
        sealed_request=seal_sign_out_form(broker, form),
        site=issuer_host(broker),
        action=issuer_path(broker) + "/logout",
        person=find_signed_in_user(broker, http, owner, now=now),
        base=issuer_path(broker),
    )
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def _decide(broker: Broker, http: Request) -> Response:
    """Apply the button pressed on the broker's page in this browser."""
    check_own_form(broker, http)
    parameters = parse_form(http)
    form = _open_form(broker, http)
    client = find_client(broker, form.request.client_id)
    decision = parameters.get("decision")
    if decision == "stay":
        return _show(broker, http, "still_signed_in", client, client_home_uri(client) if client else None)
    if decision != "sign_out":
        raise PageError("decision_unknown")
    return _end(broker, http, form.request, client, read_session_owner(broker, http), pressed=True)


def _open_form(broker: Broker, http: Request) -> SignOutForm:
    form = open_page_form(broker, http, open_sign_out_form)
    if not is_fresh(broker, form):
        raise PageError("form_too_old", page="sign_out_again", status=403)
    return form


def _end(
    broker: Broker,
    http: Request,
    request: SignOutRequest,
    client: Client | None,
    owner: SessionOwner | None,
    *,
    pressed: bool,
) -> Response:
    """Store the job that notifies the apps, delete the session, and redirect to the app's URI.

    pressed   the user has pressed a button of the broker for this
    """
    if owner is not None and broker.clock.now() < owner.ends_at:
        if owner.told:
            enqueue_logout(broker, owner.sid, owner.told)
        end_session(broker, owner)
    forget: Headers = tuple(set_cookie(broker, name, "", max_age=0) for name in (SESSION, PROVIDER))
    broker.log.event("signed_out", client_id=request.client_id or None, had_session=owner is not None, pressed=pressed)
    place = _place(request, client)
    if place is None:
        link = client_home_uri(client) if client is not None else None
        return _show(broker, http, "signed_out", client, link).with_headers(*forget)
    if pressed:
        return leaving_page(broker, place, host_of(place)).with_headers(*forget)
    if client is not None and client.registered_by == "operator":
        return redirect_response(place).with_headers(*forget)
    return _show(broker, http, "signed_out", client, place).with_headers(*forget)


def _place(request: SignOutRequest, client: Client | None) -> str | None:
    """The app's registered redirect URI, with its `state` and nothing else of the request."""
    place = request.redirect_uri
    if client is None or place not in client.post_logout_redirect_uris:
        return None
    if request.state is None:
        return place
    return place + ("&" if "?" in place else "?") + urlencode({"state": request.state})


def _show(broker: Broker, http: Request, name: str, client: Client | None, link: str | None) -> Response:
    page = ErrorPage(
        name=name,
        link=link,
        client_name=client.client_name if client is not None else None,
        provider_name=last_provider_name(broker, http),
        base=issuer_path(broker),
        site=issuer_host(broker),
    )
    return page_response(page)
