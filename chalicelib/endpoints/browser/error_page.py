"""Pages that end a request in the browser: an error, or a redirect by a page."""

from chalicelib.endpoints.browser.developer_box import build_refusal_box
from chalicelib.endpoints.browser.urls import account_uri, device_uri, issuer_host, issuer_path
from chalicelib.pages.leaving import LeavingPage
from chalicelib.pages.notices import Offer
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.responses import Response, page_response


def error_page(broker: Broker, error: PageError, *, request_id: str) -> Response:
    """A refusal for a person: says what happened and what to do; does not redirect."""
    ours: dict[str | None, Offer] = {account_uri(broker): "my_access", device_uri(broker): "enter_code"}
    page = ErrorPage(
        name=error.page,
        link=None if error.link in ours else error.link,
        offer=ours.get(error.link),
        base=issuer_path(broker),
        request_id=request_id,
        site=issuer_host(broker),
        developer=build_refusal_box(broker, error, request_id=request_id),
    )
    return page_response(page, status=error.page_status)


def leaving_page(broker: Broker, url: str, name: str) -> Response:
    """The page that goes on to `url` at once; `name` names the app or provider there."""
    return page_response(LeavingPage(url=url, name=name, site=issuer_host(broker)))
