"""CORS: the origins whose pages may read a response, and the headers that they may send (GEN-19)."""

from collections.abc import Mapping
from typing import Any

from chalicelib.protocol.ascii_text import lower
from chalicelib.responses import Response

# API Gateway renames WWW-Authenticate in the responses of a function, under any domain name.
EXPOSED = "WWW-Authenticate, x-amzn-Remapped-WWW-Authenticate, Retry-After, DPoP-Nonce"
ANY = "*"
Headers = tuple[tuple[str, str], ...]


def preflight(origin: str | None, *, methods: tuple[str, ...], sends: tuple[str, ...]) -> Response:
    """The response to a CORS preflight.

    origin   ANY, without credentials; or the one origin that may call with them; None: the caller's is not allowed
    sends    headers that the page may send
    """
    if origin is None:
        return Response(status=403, headers=(("Vary", "Origin"),))
    headers = (
        *_allowed(origin),
        ("Access-Control-Allow-Methods", ", ".join(methods)),
        ("Access-Control-Allow-Headers", ", ".join(sends)),
        ("Access-Control-Max-Age", "600"),
    )
    return Response(status=204, headers=headers)


def reader_headers(origin: str | None, exposes: tuple[str, ...]) -> Headers:
    """The CORS headers of a response; `origin` as above."""
    if origin is None:
        return (("Vary", "Origin"),)
    return (*_allowed(origin), ("Access-Control-Expose-Headers", ", ".join((EXPOSED, *exposes))))


def origin_of_event(event: Mapping[str, Any]) -> str | None:
    """The one Origin of a request; None if there is none, or more than one."""
    sent = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    found = [value for name, values in sent.items() if lower(name) == "origin" for value in values]
    return found[0] if len(found) == 1 else None


def _allowed(origin: str) -> Headers:
    if origin == ANY:
        return (("Access-Control-Allow-Origin", ANY),)
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    )
