"""How a sign-in is answered: our pages, and the app's redirect URI with `iss` in every answer (RFC 9207)."""

from urllib.parse import urlencode, urlsplit

from chalicelib.pages.headers import page_headers
from chalicelib.pages.page import ErrorPage
from chalicelib.pages.render import render_error
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError, PageError
from chalicelib.protocol.scope import serialize
from chalicelib.records.client import Client
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.replies import Reply


def page_reply(html: str, *, status: int = 200, has_form: bool = False) -> Reply:
    """One of our pages."""
    return Reply(status=status, headers=page_headers(has_form=has_form), body=html)


def error_page(broker: Broker, error: PageError, *, request_id: str) -> Reply:
    """A refusal for a person: says what happened and what to do; nothing redirects."""
    page = ErrorPage(name=error.page, link=error.link, request_id=request_id, site=site(broker))
    return page_reply(render_error(page), status=error.page_status)


def site(broker: Broker) -> str:
    """Our host, as in the address bar."""
    return urlsplit(broker.settings.issuer).netloc


def code_location(broker: Broker, request: AuthorizationRequest, code: str) -> str:
    """Where the app gets its code."""
    return _location(broker, request.redirect_uri, request.state, {"code": code})


def error_location(broker: Broker, redirect_uri: str, state: str | None, error: OAuthError) -> str:
    """Where the app learns why it gets none (RFC 6749 section 4.1.2.1)."""
    return _location(broker, redirect_uri, state, {"error": error.code, "error_description": error.description})


def connected_location(
    broker: Broker, redirect_uri: str, state: str | None, *, connection_id: str, missing: frozenset[str]
) -> str:
    """Where the app learns of a connected account, and which of the asked scopes the provider did not grant."""
    less = {"missing_scopes": serialize(missing)} if missing else {}
    return _location(broker, redirect_uri, state, {"connection_id": connection_id, **less})


def way_back(client: Client) -> str | None:
    """Where this client begins a sign-in, as far as it was registered."""
    return client.initiate_login_uri or client.client_uri


def _location(broker: Broker, redirect_uri: str, state: str | None, members: dict[str, str]) -> str:
    parameters = {**members, **({} if state is None else {"state": state}), "iss": broker.settings.issuer}
    return redirect_uri + ("&" if "?" in redirect_uri else "?") + urlencode(parameters)
