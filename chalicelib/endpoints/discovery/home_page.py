"""GET /: describes this server to a person who opens the issuer's URL, and to a program."""

from chalicelib.endpoints.browser.developer_box import build_machine_box
from chalicelib.endpoints.browser.urls import issuer_host, issuer_path
from chalicelib.pages.page import RootPage
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.responses import Response, json_response, page_response

VARY = ("Vary", "Accept")


def answer(broker: Broker, http: Request) -> Response:
    """A page for a browser, which accepts HTML; otherwise the URL of the metadata."""
    issuer = broker.settings.issuer
    if "text/html" not in (http.header("accept") or ""):
        metadata = {"openid-configuration": f"{issuer}/.well-known/openid-configuration"}
        return json_response({"issuer": issuer, **metadata, "my_access": f"{issuer}/account"}).with_headers(VARY)
    page = RootPage(
        base=issuer_path(broker),
        docs=broker.settings.documentation or "",
        site=issuer_host(broker),
        developer=build_machine_box(broker),
    )
    return page_response(page).with_headers(VARY)
