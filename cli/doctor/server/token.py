"""Checks the token endpoint with an unknown client."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.visit import Server

GROUP = Group("Token endpoint")
RENAMED = "x-amzn-remapped-www-authenticate"
REST_API = Source(
    "API Gateway's important notes",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html",
)
REFUSALS = {"invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}


@GROUP.check(
    "token-refuses",
    "error",
    fix='Respond to an unknown client with 401 (or 400) and {"error": "invalid_client"}.',
    source=rfc(6749, "5.2"),
)
def refuses(server: Server) -> Iterator[str]:
    """A client that does not exist is refused with invalid_client."""
    for answer in (server.refused, server.challenged):
        if answer.status not in (400, 401):
            yield f"an unknown client gets the status {answer.status}"
        elif answer.error and answer.error != "invalid_client":
            yield f"an unknown client gets the error {answer.error}"


@GROUP.check(
    "token-json",
    "error",
    fix="Return errors as application/json with a member `error`.",
    source=rfc(6749, "5.2"),
)
def speaks_json(server: Server) -> Iterator[str]:
    """Errors are JSON with a registered code."""
    answer = server.refused
    if answer.media_type != "application/json" or not answer.error:
        yield f"an error is {answer.media_type or 'of no type'}" + ("" if answer.error else ", without `error`")


@GROUP.check(
    "token-challenge",
    "error",
    fix="If Basic authentication fails, return 401 and WWW-Authenticate: Basic.",
    source=rfc(6749, "5.2"),
)
def challenges(server: Server) -> Iterator[str]:
    """A failed Authorization header gets 401 with WWW-Authenticate of the same scheme."""
    answer = server.challenged
    told = answer.header("www-authenticate") or answer.header(RENAMED)
    if answer.error not in ("", "invalid_client"):
        raise Skipped("the unknown client is not refused with invalid_client")
    if answer.status != 401:
        yield f"the status is {answer.status}, not 401"
    elif not told.lower().startswith("basic"):
        yield f"WWW-Authenticate is {told!r}" if told else "there is no WWW-Authenticate"


@GROUP.check(
    "header-renamed",
    "error",
    fix="API Gateway renames this header. Rename it back in a Lambda@Edge function on origin-response of a "
    "CloudFront distribution. On viewer-response, no function runs if the status is 400 or higher.",
    source=REST_API,
)
def keeps_header_names(server: Server) -> Iterator[str]:
    """The header WWW-Authenticate keeps its name."""
    _ = server.challenged
    if server.text("userinfo_endpoint"):
        server.userinfo()
    answers = server.asker.answers
    renamed = sorted({answer.url.partition("?")[0] for answer in answers if RENAMED in answer.response.headers})
    if renamed:
        yield f"{RENAMED} instead of it at {', '.join(renamed)}"


@GROUP.check(
    "token-no-store",
    "warning",
    fix="Send Cache-Control: no-store with every response of the token endpoint.",
    source=rfc(6749, "5.1"),
)
def stores_nothing(server: Server) -> Iterator[str]:
    """Responses of the token endpoint are not cached."""
    told = server.refused.header("cache-control").lower()
    if "no-store" not in told:
        yield f"Cache-Control is {told!r}" if told else "there is no Cache-Control"


@GROUP.check(
    "token-query",
    "error",
    fix="Read parameters only from the body: logs and browser histories store URLs.",
    source=rfc(6749, "2.3.1"),
)
def reads_no_query(server: Server) -> Iterator[str]:
    """Credentials in the URL are ignored, and GET returns no token."""
    if server.asked_in_query("GET").error in REFUSALS:
        yield "GET is accepted as a token request"
    asked, empty = server.asked_in_query("POST"), server.empty
    if asked.error in REFUSALS and (asked.status, asked.error) != (empty.status, empty.error):
        yield f"with credentials in the URL it returns {asked.error}, without any {empty.error or empty.status}"
