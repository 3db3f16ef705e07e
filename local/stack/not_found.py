"""The page of a path that no route has, for a browser at the local gateway.

Deployed, API Gateway itself answers such a path, with the JSON of infra/resources.json whatever the request accepts.
"""

import uuid
from urllib.parse import urlsplit

from chalicelib.pages.headers import page_headers
from chalicelib.pages.language import DEFAULT, match_language, read_accept_language
from chalicelib.pages.page import ErrorPage
from chalicelib.pages.render import render
from local.stack import http1
from local.stack.http_server import Answer


def show_not_found(head: http1.Head, issuer: str) -> Answer | None:
    """The page, in the reader's language; None for a request that asks for no HTML.

    issuer   its host is in the page's header, and its path begins the links to other pages
    """
    if head.method != "GET" or "text/html" not in "".join(head.values("accept")):
        return None
    language = match_language(read_accept_language(", ".join(head.values("accept-language")))) or DEFAULT
    parts = urlsplit(issuer)
    html = render(ErrorPage(name="not_found", base=parts.path, site=parts.netloc), language)
    headers = [*page_headers(has_form=False), ("x-amzn-RequestId", str(uuid.uuid4()))]
    return 404, headers, html.encode()
