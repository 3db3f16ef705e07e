"""How a sign-in is answered: our pages, and the app's redirect URI with `iss` in every answer (RFC 9207)."""

from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.issuing import issue_code
from chalicelib.pages.page import ErrorPage, LeavingPage, PostingPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client, ResponseMode
from chalicelib.records.grant import Grant
from chalicelib.records.link import Link
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.replies import Reply, page_reply, redirect_reply

COMMAND = "python3 dev.py broker"  # what a developer types beside a broker on this machine


def error_page(broker: Broker, error: PageError, *, request_id: str) -> Reply:
    """A refusal for a person: says what happened and what to do; nothing redirects."""
    page = ErrorPage(name=error.page, link=error.link, request_id=request_id, site=site(broker))
    if broker.settings.is_loopback:
        page = replace(page, reason=error.reason, command=f"{COMMAND} explain {request_id}")
    return page_reply(page, status=error.page_status)


def site(broker: Broker) -> str:
    """Our host, as in the address bar."""
    return urlsplit(broker.settings.issuer).netloc


def account_uri(broker: Broker) -> str:
    """Where a user's own page is."""
    return broker.settings.issuer + "/account"


def account_path(broker: Broker) -> str:
    """The same for a page of ours."""
    return urlsplit(account_uri(broker)).path


class AppAnswer(Struct, frozen=True, kw_only=True):
    """What an app gets at its redirect URI: a code, or an error; state and `iss` with each.

    cookies   Set-Cookie headers that go along
    """

    redirect_uri: str
    members: dict[str, str]
    mode: ResponseMode = "query"
    cookies: tuple[tuple[str, str], ...] = ()


def grant_answer(broker: Broker, request: AuthorizationRequest, grant: Grant, code_secret: bytes) -> AppAnswer:
    """What comes of a grant that was just issued: the app's code, or the cookie of its browser session, of which the
    address says nothing."""
    broker.log.count("SignIns")
    if not request.return_to:
        return code_answer(broker, request, issue_code(broker, grant, code_secret))
    from chalicelib.endpoints.bff.cookie import set_session

    return AppAnswer(redirect_uri=request.answer_uri, members={}, cookies=(set_session(broker, grant, code_secret),))


def code_answer(broker: Broker, request: AuthorizationRequest, code: str) -> AppAnswer:
    """The app's code."""
    members = _complete(broker, request.state, {"code": code})
    return AppAnswer(redirect_uri=request.redirect_uri, members=members, mode=request.response_mode)


def note_refusal(broker: Broker, error: OAuthError, *, error_id: str) -> None:
    """The line of the log by which the operator explains a refusal; nothing is stored for it, for anybody can cause
    one."""
    broker.log.event("refused", error=error.code, reason=error.reason, error_id=error_id, evidence=dict(error.evidence))


def error_answer(
    broker: Broker, http: Request, redirect_uri: str, state: str | None, error: OAuthError, *, mode: ResponseMode
) -> AppAnswer:
    """Why it gets none (RFC 6749 section 4.1.2.1), and by which id the operator finds it."""
    note_refusal(broker, error.noting(endpoint=http.endpoint), error_id=http.request_id)
    told = {"error": error.code, "error_description": error.description, "error_id": http.request_id}
    members = _complete(broker, state, told)
    return AppAnswer(redirect_uri=redirect_uri, members=members, mode=mode)


def refusal_of(broker: Broker, http: Request, request: AuthorizationRequest, error: OAuthError) -> AppAnswer:
    """The same of a checked request."""
    error = error.noting(client_id=request.client_id)
    return error_answer(broker, http, request.answer_uri, request.state, error, mode=request.response_mode)


def deliver(broker: Broker, answer: AppAnswer) -> Reply:
    """Where no form of ours came before: a redirect, or the form that the browser posts."""
    reply = _post(broker, answer) if answer.mode == "form_post" else redirect_reply(location_of(answer))
    return reply.with_headers(*answer.cookies)


def deliver_behind_form(broker: Broker, answer: AppAnswer) -> Reply:
    """The same behind a form of ours: a redirect would fall under its `form-action`, so a page leads there."""
    if answer.mode == "form_post":
        return _post(broker, answer)
    return leave(broker, location_of(answer), host_of(answer.redirect_uri)).with_headers(*answer.cookies)


def leave(broker: Broker, url: str, name: str) -> Reply:
    """The page that goes on to `url` at once; `name` says who is there."""
    return page_reply(LeavingPage(url=url, name=name, site=site(broker)))


def location_of(answer: AppAnswer) -> str:
    """The answer in the query of the redirect URI, before a fragment that the path of an app may have."""
    uri, hash_sign, fragment = answer.redirect_uri.partition("#")
    query = ("&" if "?" in uri else "?") + urlencode(answer.members) if answer.members else ""
    return uri + query + hash_sign + fragment


def _post(broker: Broker, answer: AppAnswer) -> Reply:
    """A form with a button and no script; it may go to that one origin alone."""
    page = PostingPage(
        name=host_of(answer.redirect_uri),
        action=answer.redirect_uri,
        fields=tuple(answer.members.items()),
        site=site(broker),
    )
    return page_reply(page)


def error_location(broker: Broker, http: Request, link: Link, error: OAuthError) -> str:
    """Where an app learns why nothing came of a connect link."""
    error = error.noting(client_id=link.client_id, provider_id=link.provider_id)
    return location_of(error_answer(broker, http, link.redirect_uri, link.state, error, mode="query"))


def connected_location(
    broker: Broker, redirect_uri: str, state: str | None, *, connection_id: str, missing: frozenset[str]
) -> str:
    """Where the app learns of a connected account, and which of the asked scopes the provider did not grant."""
    less = {"missing_scopes": serialize(missing)} if missing else {}
    members = _complete(broker, state, {"connection_id": connection_id, **less})
    return location_of(AppAnswer(redirect_uri=redirect_uri, members=members))


def way_back(client: Client) -> str | None:
    """Where this client begins a sign-in, as far as it was registered."""
    return client.initiate_login_uri or client.client_uri or next(iter(client.bff_origins), None)


def host_of(uri: str) -> str:
    """Host of a redirect target, for the page that leaves our site."""
    return urlsplit(uri).netloc or uri.partition(":")[0]


def _complete(broker: Broker, state: str | None, members: dict[str, str]) -> dict[str, str]:
    return {**members, **({} if state is None else {"state": state}), "iss": broker.settings.issuer}
