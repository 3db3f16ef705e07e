"""The access rules of the console: it serves the browser that opened the printed link, from its own pages.

Other programs and web pages can reach a port on loopback. So the console checks, before anything else: the Host header
(DNS rebinding), the session cookie, where the request comes from, and for a POST also the origin and the form's token.
"""

import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from msgspec import Struct

from cli.console.message import Request

COOKIE = "token_broker_console"
FORM_TYPE = "application/x-www-form-urlencoded"
CSRF_FIELD = "csrf"
MOST_FORMS = 1000


class Denied(Exception):
    """The request is refused; the text says why, for the operator's eyes."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Session(Struct, kw_only=True):
    """The one session of a running console.

    host      host and port that the browser must name
    base      a random path: browsers send a cookie to every port of a host, but only below its path
    entry     the one-time token of the printed link; "" once it was used
    cookie    proves the session
    csrf      is in each of its forms
    forms     forms of actions that were shown and not sent, the oldest first: each may be sent once
    """

    host: str
    base: str
    entry: str
    cookie: str
    csrf: str
    forms: dict[str, None] = {}

    def new_form(self) -> str:
        """The id of a form that is shown now."""
        form = secrets.token_urlsafe(16)
        self.forms[form] = None
        while len(self.forms) > MOST_FORMS:
            self.forms.pop(next(iter(self.forms)), None)
        return form

    def take_form(self, form: str) -> bool:
        """False if it was sent already, or was never shown."""
        return self.forms.pop(form, self) is None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}"

    @property
    def link(self) -> str:
        """The link to print. It works once."""
        return f"{self.origin}{self.base}/open?token={self.entry}"


def new_session(host: str) -> Session:
    """A session with fresh random values."""
    base, entry, cookie, csrf = (secrets.token_urlsafe(32) for _ in range(4))
    return Session(host=host, base=f"/{base[:16]}", entry=entry, cookie=cookie, csrf=csrf)


def open_session(session: Session, token: str) -> str:
    """Exchange the link's token for the Set-Cookie header. Raises Denied: it is wrong or was used."""
    if not session.entry or not _is_same(token, session.entry):
        raise Denied(403, "This link was used already, or belongs to another console.")
    session.entry = ""
    return f"{COOKIE}={session.cookie}; HttpOnly; SameSite=Strict; Path={session.base}/"


def check_host(session: Session, headers: Mapping[str, str]) -> None:
    """Raises Denied: the browser looked up another name that now points here (DNS rebinding)."""
    if headers.get("host") != session.host:
        raise Denied(421, "The console answers only at the address that it printed.")


def check_session(session: Session, request: Request) -> None:
    """Raises Denied: no session, or the request does not come from a page of the console."""
    if not _is_same(_read_cookie(request.headers.get("cookie", "")), session.cookie):
        raise Denied(401, "Open the link that the terminal printed.")
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Denied(403, "Another page sent this request.")


def check_form(session: Session, request: Request) -> None:
    """Raises Denied: the form is not one that this session showed."""
    if request.headers.get("origin") != session.origin:
        raise Denied(403, "Another page sent this form.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise Denied(415, "This is not a form of the console.")
    if not _is_same(request.form.get(CSRF_FIELD, ""), session.csrf):
        raise Denied(403, "This form belongs to another session. Go back, reload the page and try again.")


def _read_cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
