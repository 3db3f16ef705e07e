"""Forms of the broker's pages: a form comes from the broker's origin and from the browser that was shown it."""

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from chalicelib.endpoints.browser.cookies import read_browser
from chalicelib.ports import Broker
from chalicelib.protocol.errors import InvalidRequest, PageError
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters, check_no_secret_in_query
from chalicelib.protocol.request import Request

FormT = TypeVar("FormT")
FIELD = "request"  # the hidden field that holds the sealed form


def check_own_form(broker: Broker, http: Request) -> None:
    """The form must come from a page of the broker: Origin, or `null` together with Sec-Fetch-Site (GEN-20)."""
    parts = urlsplit(broker.settings.issuer)
    origin = http.header("origin")
    ours = origin == f"{parts.scheme}://{parts.netloc}"
    if not ours and not (origin == "null" and http.header("sec-fetch-site") == "same-origin"):
        refusal = PageError("origin_not_ours", page="csrf", status=403)
        raise refusal.noting(expected=f"{parts.scheme}://{parts.netloc}", received=redact(origin) or "none")


def parse_form(http: Request) -> Parameters:
    """The fields of a page's form beside the sealed one. Raises PageError."""
    fields = [(name, value) for name, value in http.form if name != FIELD]
    return parse_for_page(fields, repeatable=frozenset({"scope"}))


def parse_for_page(
    pairs: Iterable[tuple[str, str]], *, repeatable: frozenset[str] = frozenset(), of_client: bool = False
) -> Parameters:
    """The parameters of a request from a browser. Raises PageError: a person sees what is wrong with them.

    of_client   a client made the request, so it is also refused if it holds a secret (GEN-05)
    """
    pairs = tuple(pairs)
    try:
        if of_client:
            check_no_secret_in_query(pairs)
        return Parameters.parse(pairs, repeatable=repeatable)
    except InvalidRequest as error:
        raise PageError(error.reason).because_of(error) from None


def open_page_form(broker: Broker, http: Request, open_sealed: Callable[[Broker, str, str], FormT | None]) -> FormT:
    """Open the form that this browser was shown. The caller checks its age, and its session or link.

    Raises PageError: the browser sent no cookie, or was shown another form.
    """
    browser = read_browser(broker, http)
    if browser is None:
        raise PageError("browser_cookie_missing", page="cookie_missing", status=403)
    sealed = [value for name, value in http.form if name == FIELD]
    form = open_sealed(broker, sealed[0], browser) if len(sealed) == 1 else None
    if form is None:
        raise PageError("form_not_of_this_browser", page="csrf", status=403)
    return form
