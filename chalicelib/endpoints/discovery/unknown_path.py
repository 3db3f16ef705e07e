"""GET of any other path: a page for a person who mistyped an address, JSON for a program.

API Gateway itself responds to the other methods, and to methods that a known path does not have.
"""

from chalicelib.endpoints.browser.urls import issuer_host, issuer_path
from chalicelib.pages.page import ErrorPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.request import Request
from chalicelib.responses import Response, page_response

VARY = ("Vary", "Accept")


class UnknownPath(InvalidRequest):
    """The same response as that of the gateway, in infra/resources.json."""

    status = 404
    description = (
        "There is no such endpoint, or it does not answer that HTTP method. "
        "/openapi.json lists the endpoints, and / says what this server is."
    )


def answer(broker: Broker, http: Request) -> Response:
    """Raises UnknownPath for a program. Nothing of the path is repeated."""
    if "text/html" not in (http.header("accept") or ""):
        raise UnknownPath("path_unknown")
    page = ErrorPage(name="not_found", base=issuer_path(broker), site=issuer_host(broker))
    return page_response(page, status=404).with_headers(VARY)
