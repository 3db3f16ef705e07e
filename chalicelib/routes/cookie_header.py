"""The Cookie header: names and values as the browser stored them (RFC 6265 section 4.2)."""

from collections.abc import Iterable

from chalicelib.protocol.ascii_text import trim
from chalicelib.protocol.errors import InvalidRequest


def parse_cookies(headers: Iterable[str], *, prefix: str) -> dict[str, str]:
    """Cookies by name. If a name is sent twice, the first counts; a repeated name of the broker is refused.

    headers   the values of all Cookie headers
    prefix    of the broker's cookie names under this issuer

    A browser lets a sibling host plant `U+2000 __Host-tb_session`, but not `__Host-tb_session`. So only space and tab
    are trimmed, as RFC 6265 section 5.2 says, and a header that is not ASCII is refused.

    Raises InvalidRequest.
    """
    text = "; ".join(headers)
    if not text.isascii():
        raise InvalidRequest("cookie_not_ascii")
    cookies: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = trim(pair).partition("=")
        if not equals:
            continue
        if name in cookies and name.startswith(prefix):
            raise InvalidRequest("cookie_repeated")
        cookies.setdefault(name, value)
    return cookies
