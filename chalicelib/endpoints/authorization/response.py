"""The response to an authorization request: a page, or the app's redirect URI with `iss` (RFC 9207)."""

from urllib.parse import urlencode

from msgspec import Struct

from chalicelib.endpoints.browser.error_page import leaving_page
from chalicelib.endpoints.browser.urls import host_of, issuer_host
from chalicelib.pages.leaving import PostingPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client, ResponseMode
from chalicelib.records.grant import Grant
from chalicelib.records.link import Link
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.responses import Response, page_response, redirect_response
from chalicelib.token_issuer import issue_code


class AuthorizationResponse(Struct, frozen=True, kw_only=True):
    """The response at the app's redirect URI: a code or an error, each with state and `iss`.

    cookies   Set-Cookie headers to send with it
    """

    redirect_uri: str
    members: dict[str, str]
    mode: ResponseMode = "query"
    cookies: tuple[tuple[str, str], ...] = ()


def grant_response(
    broker: Broker, request: AuthorizationRequest, grant: Grant, code_secret: bytes
) -> AuthorizationResponse:
    """The response for a new grant: a code for the app, or the cookie of its browser session, never in the URL."""
    broker.log.count("SignIns")
    if not request.return_to:
        return code_response(broker, request, issue_code(broker, grant, code_secret))
    from chalicelib.endpoints.browser.bff_cookie import set_session

    return AuthorizationResponse(
        redirect_uri=request.answer_uri, members={}, cookies=(set_session(broker, grant, code_secret),)
    )


def code_response(broker: Broker, request: AuthorizationRequest, code: str) -> AuthorizationResponse:
    """The response with the app's code."""
    members = _complete(broker, request.state, {"code": code})
    return AuthorizationResponse(redirect_uri=request.redirect_uri, members=members, mode=request.response_mode)


def log_refusal(broker: Broker, error: OAuthError, *, error_id: str) -> None:
    """Log the line from which the operator explains a refusal. Stores nothing, because anyone can cause a refusal."""
    broker.log.event("refused", error=error.code, reason=error.reason, error_id=error_id, evidence=dict(error.evidence))


def error_response(
    broker: Broker, http: Request, redirect_uri: str, state: str | None, error: OAuthError, *, mode: ResponseMode
) -> AuthorizationResponse:
    """The error response (RFC 6749 section 4.1.2.1), with the error id for the operator."""
    log_refusal(broker, error.noting(endpoint=http.endpoint), error_id=http.request_id)
    told = {"error": error.code, "error_description": error.description, "error_id": http.request_id}
    members = _complete(broker, state, told)
    return AuthorizationResponse(redirect_uri=redirect_uri, members=members, mode=mode)


def request_error_response(
    broker: Broker, http: Request, request: AuthorizationRequest, error: OAuthError
) -> AuthorizationResponse:
    """The error response to a checked request."""
    error = error.noting(client_id=request.client_id)
    return error_response(broker, http, request.answer_uri, request.state, error, mode=request.response_mode)


def send_response(broker: Broker, answer: AuthorizationResponse) -> Response:
    """Send the response, if no form of the broker came before: a redirect, or a form that the browser posts."""
    reply = _post(broker, answer) if answer.mode == "form_post" else redirect_response(redirect_url(answer))
    return reply.with_headers(*answer.cookies)


def send_response_from_form(broker: Broker, answer: AuthorizationResponse) -> Response:
    """Send the response after a form of the broker: a redirect would be subject to its `form-action`, so a page leads
    on."""
    if answer.mode == "form_post":
        return _post(broker, answer)
    return leaving_page(broker, redirect_url(answer), host_of(answer.redirect_uri)).with_headers(*answer.cookies)


def redirect_url(answer: AuthorizationResponse) -> str:
    """The redirect URI with the response in its query, before a fragment that an app's path may have."""
    uri, hash_sign, fragment = answer.redirect_uri.partition("#")
    query = ("&" if "?" in uri else "?") + urlencode(answer.members) if answer.members else ""
    return uri + query + hash_sign + fragment


def _post(broker: Broker, answer: AuthorizationResponse) -> Response:
    """A form with a button and no script; it may be posted only to that one origin."""
    page = PostingPage(
        name=host_of(answer.redirect_uri),
        action=answer.redirect_uri,
        fields=tuple(answer.members.items()),
        site=issuer_host(broker),
    )
    return page_response(page)


def error_location(broker: Broker, http: Request, link: Link, error: OAuthError) -> str:
    """The URL that reports to an app why a connect link failed."""
    error = error.noting(client_id=link.client_id, provider_id=link.provider_id)
    return redirect_url(error_response(broker, http, link.redirect_uri, link.state, error, mode="query"))


def connected_location(
    broker: Broker, redirect_uri: str, state: str | None, *, connection_id: str, missing: frozenset[str]
) -> str:
    """The URL that reports a connected account to the app, and the requested scopes that the provider did not grant."""
    less = {"missing_scopes": serialize(missing)} if missing else {}
    members = _complete(broker, state, {"connection_id": connection_id, **less})
    return redirect_url(AuthorizationResponse(redirect_uri=redirect_uri, members=members))


def client_home_uri(client: Client) -> str | None:
    """The URL at which this client begins a sign-in, if one is registered."""
    return client.initiate_login_uri or client.client_uri or next(iter(client.bff_origins), None)


def _complete(broker: Broker, state: str | None, members: dict[str, str]) -> dict[str, str]:
    return {**members, **({} if state is None else {"state": state}), "iss": broker.settings.issuer}
