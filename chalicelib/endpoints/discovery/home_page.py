"""GET /: describes this server to a person who opens the issuer's URL, and to a program."""

from urllib.parse import urlsplit

from chalicelib.endpoints.browser.error_page import COMMAND
from chalicelib.endpoints.browser.urls import issuer_host
from chalicelib.pages.page import RootPage
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.responses import Response, json_response, page_response

VARY = ("Vary", "Accept")
FIRST_APP = f'{COMMAND} client create --name "My app" --redirect-uri http://localhost:5173/callback'


def answer(broker: Broker, http: Request) -> Response:
    """A page for a browser, which accepts HTML; otherwise the URL of the metadata."""
    issuer = broker.settings.issuer
    if "text/html" not in (http.header("accept") or ""):
        metadata = {"openid-configuration": f"{issuer}/.well-known/openid-configuration"}
        return json_response({"issuer": issuer, **metadata, "my_access": f"{issuer}/account"}).with_headers(VARY)
    page = RootPage(base=urlsplit(issuer).path, site=issuer_host(broker))
    if broker.settings.is_loopback:
        page = RootPage(base=page.base, site=page.site, issuer=issuer, command=FIRST_APP)
    return page_response(page).with_headers(VARY)
