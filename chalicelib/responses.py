"""The broker's responses, before HTTP. Header names and values are checked here, in one place."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from chalicelib.pages.page import Page
from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS
from chalicelib.protocol.errors import BoundToken, OAuthError, SessionOver, TokenMissing

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class Response(Struct, frozen=True, kw_only=True):
    """Status, headers in order (a name may repeat: Set-Cookie), and a body: text, raw bytes, or a page.

    ui_locales   the languages that the app requests for its user, if the URL does not contain them
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str | bytes | Page = ""
    ui_locales: str | None = None

    def with_headers(self, *more: tuple[str, str]) -> "Response":
        """The same response with more headers."""
        return structs.replace(self, headers=self.headers + more)


def page_response(page: Page, *, status: int = 200) -> Response:
    """A page; the routes render it in the reader's language."""
    return Response(status=status, body=page)


def json_response(document: Mapping[str, Any], *, status: int = 200, cacheable_seconds: int = 0) -> Response:
    """A JSON response; never cached unless `cacheable_seconds` is set (GEN-06)."""
    cache = (("Cache-Control", f"public, max-age={cacheable_seconds}"),) if cacheable_seconds else NO_STORE
    body = msgspec.json.encode(document).decode()
    return Response(status=status, headers=(("Content-Type", "application/json"), *cache), body=body)


def error_response(
    error: OAuthError,
    *,
    request_id: str,
    schemes: tuple[str, ...] = ("Bearer",),
    algorithms: tuple[str, ...] = PROOF_ALGORITHMS,
    resource_metadata: str = "",
) -> Response:
    """Convert a refusal into a response, in one place (RFC 6749 section 5.2, RFC 6750 section 3).

    schemes             accepted for access tokens here; the first is the one that the request used
    algorithms          accepted for proofs here
    resource_metadata   URL of the protected resource metadata (RFC 9728 section 5.1); "" if there is none
    """
    document = {"error": error.code, "error_description": error.description, **error.members, "error_id": request_id}
    reply = json_response(document, status=error.status)
    if challenge := _challenge(error, schemes, algorithms, resource_metadata):
        reply = reply.with_headers(("WWW-Authenticate", challenge))
    if error.retry_after is not None:
        reply = reply.with_headers(("Retry-After", str(error.retry_after)))
    return reply


def _challenge(
    error: OAuthError, schemes: tuple[str, ...], algorithms: tuple[str, ...], resource_metadata: str
) -> str | None:
    """The `WWW-Authenticate` value: Basic for a client (RFC 7617), Bearer for a missing, expired or insufficient token
    (RFC 6750 section 3). Where proofs are accepted, DPoP is added, or is alone if the request used it or nothing else
    is accepted (RFC 9449 section 7). A request without a token gets no error code (RFC 6750 section 3.1)."""
    if error.code == "invalid_client":
        return 'Basic realm="broker"'
    if isinstance(error, SessionOver):
        return 'Cookie realm="broker"'
    if error.status != 401 and error.code != "insufficient_scope":
        return None
    told = 'realm="broker"' + ("" if isinstance(error, TokenMissing) else f', error="{error.code}"')
    told += f', resource_metadata="{resource_metadata}"' if resource_metadata else ""
    if "DPoP" not in schemes:
        return f"Bearer {told}"
    algs = f'algs="{" ".join(algorithms)}"'
    if schemes[0] == "DPoP" or isinstance(error, BoundToken):
        return f"DPoP {told}, {algs}"
    return f"Bearer {told}, DPoP {algs}"


def redirect_response(location: str, *, status: int = 303) -> Response:
    """A redirect to a stored, validated URL (GEN-22)."""
    return Response(status=status, headers=(("Location", location), *NO_STORE, ("Referrer-Policy", "no-referrer")))
