"""A pushed request at /authorize (RFC 9126 section 4), opened for one browser by one update.

Only `client_id` and `request_uri` are read from the query; the pushed parameters apply, whatever else the URL contains.
"""

import re

from msgspec import Struct

from chalicelib.endpoints.authorization.response import client_home_uri
from chalicelib.endpoints.authorization.stored_request import read_stored_request
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.callers.clients import ClientContext, load_client_context, load_sufficient_context
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import PageError, RequestUriRefused
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.records.sign_in import AuthorizationRequest

REFERENCE = "urn:ietf:params:oauth:request_uri:"
PUSHED_SECONDS = 60
_REQUEST_ID = re.compile(r"[0-9a-f]{64}")


class OpenedRequest(Struct, frozen=True, kw_only=True):
    """A checked request at /authorize.

    grant_id   fixed when the request was pushed; otherwise new
    stored     id of a pushed request; "" for one in the query
    browser    id of the browser that opened a pushed request
    """

    request: AuthorizationRequest
    grant_id: str
    stored: str = ""
    browser: str = ""


def is_reference(parameters: Parameters) -> bool:
    """True if the request refers to a pushed request; otherwise all parameters are in the query."""
    return (parameters.get("request_uri") or "").startswith(REFERENCE)


def open_pushed(
    broker: Broker, http: Request, parameters: Parameters
) -> tuple[OpenedRequest, ClientContext, tuple[tuple[str, str], ...]]:
    """The request, bound to this browser from now on, and a cookie if the browser had none.

    Raises PageError if the request is unknown, expired, of another client or browser, or if its client has changed.
    """
    context = load_client_context(broker, parameters.get("client_id"))
    client_id = context.client.client_id
    request_id = parameters.require("request_uri").removeprefix(REFERENCE)
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    opened = _open(broker, request_id, client_id, browser, link=client_home_uri(context.client))
    revision = opened.request.client_revision
    context = load_sufficient_context(broker, client_id, lambda one: one.client.revision == revision, known=context)
    if context.client.revision != revision:
        raise PageError("client_changed", page="sign_in_over", link=client_home_uri(context.client))
    return opened, context, () if known else (set_cookie(broker, BROWSER, browser, max_age=None),)


def _open(broker: Broker, request_id: str, client_id: str, browser: str, *, link: str | None) -> OpenedRequest:
    if not _REQUEST_ID.fullmatch(request_id):
        raise RequestUriRefused("request_uri_malformed", page="sign_in_over", link=link)
    now, life = broker.clock.now(), broker.settings.pending_seconds
    result = broker.store.open_stored_request(
        request_id,
        client_id=client_id,
        browser=browser_hash(browser),
        now=now,
        bound_until=now + life,
        expires_at=now + 2 * life,  # a sign-in that is decided at the last moment gets the usual time
    )
    if isinstance(result, Refused):
        raise RequestUriRefused("request_uri_unknown_or_over", page="sign_in_over", link=link)
    kept = read_stored_request(broker, result.item, request_id)
    return OpenedRequest(request=kept.request, grant_id=kept.grant_id, stored=request_id, browser=browser)
