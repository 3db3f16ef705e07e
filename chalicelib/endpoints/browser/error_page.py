"""Pages that end a request in the browser: an error, or a redirect by a page."""

from pathlib import PurePath

from msgspec.structs import replace

from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.pages.page import ErrorPage, LeavingPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.responses import Response, page_response

# The command for a developer with a broker on the same machine; setup.py installs the package's copy in `_broker`.
COMMAND = "token-broker" if "_broker" in PurePath(__file__).parts else "python3 dev.py broker"


def error_page(broker: Broker, error: PageError, *, request_id: str) -> Response:
    """A refusal for a person: says what happened and what to do; does not redirect."""
    page = ErrorPage(name=error.page, link=error.link, request_id=request_id, site=issuer_host(broker))
    if broker.settings.is_loopback:
        page = replace(page, reason=error.reason, command=f"{COMMAND} explain {request_id}")
    return page_response(page, status=error.page_status)


def leaving_page(broker: Broker, url: str, name: str) -> Response:
    """The page that goes on to `url` at once; `name` names the app or provider there."""
    return page_response(LeavingPage(url=url, name=name, site=issuer_host(broker)))
