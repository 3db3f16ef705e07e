"""GET /: what this server is, for somebody who opens the issuer's address, and for a program."""

from urllib.parse import urlsplit

from chalicelib.endpoints.answers import COMMAND, site
from chalicelib.pages.page import RootPage
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.replies import Reply, json_reply, page_reply

VARY = ("Vary", "Accept")
FIRST_APP = f'{COMMAND} client create --name "My app" --redirect-uri http://localhost:5173/callback'


def answer(broker: Broker, http: Request) -> Reply:
    """A page for a browser, which asks for HTML; else where the metadata is."""
    issuer = broker.settings.issuer
    if "text/html" not in (http.header("accept") or ""):
        metadata = {"openid-configuration": f"{issuer}/.well-known/openid-configuration"}
        return json_reply({"issuer": issuer, **metadata, "my_access": f"{issuer}/account"}).with_headers(VARY)
    page = RootPage(base=urlsplit(issuer).path, site=site(broker))
    if broker.settings.is_loopback:
        page = RootPage(base=page.base, site=page.site, issuer=issuer, command=FIRST_APP)
    return page_reply(page).with_headers(VARY)
