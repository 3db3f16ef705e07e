"""Checks that pages of other origins can read what they need, and nothing else."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.answer import Answer
from cli.doctor.server.asking import NOWHERE
from cli.doctor.server.visit import Server

GROUP = Group("Other origins")
FETCH = Source("Fetch, CORS protocol", "https://fetch.spec.whatwg.org/#http-cors-protocol")
ALLOW, CREDENTIALS = "access-control-allow-origin", "access-control-allow-credentials"
OPEN_FIX = (
    "Send Access-Control-Allow-Origin: * there. The response is public, or protected by the credentials in the request."
)


@GROUP.check("cors-metadata", "warning", fix=OPEN_FIX, source=rfc(9700, "2.6"))
def opens_metadata(server: Server) -> Iterator[str]:
    """A page of any origin may read the metadata."""
    for place in server.documents:
        if place.answer is not None and not _readable(place.answer):
            yield f"{place.url} cannot be read by other origins"


@GROUP.check("cors-jwks", "warning", fix=OPEN_FIX, source=rfc(9700, "2.6"))
def opens_jwks(server: Server) -> Iterator[str]:
    """A page of any origin may read the key set."""
    if not _readable(server.jwks):
        yield f"{server.jwks.url} cannot be read by other origins"


@GROUP.check("cors-token", "warning", fix=OPEN_FIX, source=rfc(9700, "2.6"))
def opens_token(server: Server) -> Iterator[str]:
    """If public clients are supported, their pages may read the response of the token endpoint."""
    if "none" not in server.words("token_endpoint_auth_methods_supported"):
        raise Skipped("the metadata does not support public clients")
    if not _readable(server.refused):
        yield f"{server.refused.url} cannot be read by other origins"


@GROUP.check("cors-userinfo", "warning", fix=OPEN_FIX, source=rfc(9700, "2.6"))
def opens_userinfo(server: Server) -> Iterator[str]:
    """A page of any origin may read the response of the userinfo endpoint."""
    if not _readable(server.userinfo()):
        yield f"{server.userinfo().url} cannot be read by other origins"


@GROUP.check(
    "cors-authorize",
    "error",
    fix="Send no Access-Control-... header there: browsers are redirected to it, and scripts never call it.",
    source=rfc(9700, "2.6"),
)
def closes_authorize(server: Server) -> Iterator[str]:
    """No page of another origin may read the authorization endpoint."""
    if _readable(server.stranger):
        yield "its response can be read by other origins"


@GROUP.check(
    "cors-credentials",
    "error",
    fix="Never allow credentials for an unknown origin: it would act with the user's cookies.",
    source=FETCH,
)
def shares_no_cookies(server: Server) -> Iterator[str]:
    """No response allows an unknown origin to use the browser's cookies."""
    if not server.documents:
        return
    for answer in server.asker.answers:
        if answer.header(ALLOW) == NOWHERE and answer.header(CREDENTIALS).lower() == "true":
            yield f"{answer.url.partition('?')[0]} lets any origin use cookies"


def _readable(answer: Answer) -> bool:
    return answer.header(ALLOW) in ("*", NOWHERE)
