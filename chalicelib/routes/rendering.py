"""Renders a page as HTML in the reader's language: the one that the app requests, else the browser's, else English."""

from msgspec import structs

from chalicelib.endpoints.browser.cookies import LANGUAGE, Headers, read_language, set_cookie
from chalicelib.pages.headers import page_headers
from chalicelib.pages.language import DEFAULT, match_language, read_accept_language
from chalicelib.pages.page import Page
from chalicelib.ports import Broker
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.request import Request
from chalicelib.responses import Response


def show(broker: Broker, http: Request | None, reply: Response) -> Response:
    """Render a page. A cookie stores the language that the app requested, for the redirects of this sign-in.

    http   None if the request could not be read
    """
    wished = _find_wish(http, reply)
    kept = read_language(broker, http) if http else ""
    keep: Headers = ()
    if wished and wished != kept:
        keep = (set_cookie(broker, LANGUAGE, wished, max_age=broker.settings.pending_seconds),)
    if not isinstance(reply.body, Page):
        return reply.with_headers(*keep)
    from chalicelib.pages.render import render

    language = wished or match_language([kept]) or _find_spoken(http) or DEFAULT
    page = reply.body
    headers = page_headers(
        has_form=page.has_form, has_images=page.has_images, posts_to=page.posts_to, theme=broker.theme
    )
    html = render(page, language, theme=broker.theme)
    return structs.replace(reply, body=html, headers=(*headers, *reply.headers, *keep))


def _find_wish(http: Request | None, reply: Response) -> str | None:
    """The language in `ui_locales` (OpenID Connect Core section 3.1.2.1), of the request or of the pushed request."""
    asked = dict(http.query).get("ui_locales") if http else None
    return match_language(words(reply.ui_locales or asked or ""))


def _find_spoken(http: Request | None) -> str | None:
    return match_language(read_accept_language(http.header("accept-language"))) if http else None
