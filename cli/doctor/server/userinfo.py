"""Checks the userinfo endpoint without a token."""

from collections.abc import Iterator

from cli.doctor.checks import Group, rfc
from cli.doctor.server.answer import Answer
from cli.doctor.server.token import RENAMED
from cli.doctor.server.visit import Server

GROUP = Group("Userinfo endpoint")


@GROUP.check(
    "userinfo-challenge",
    "error",
    fix="Return 401 with WWW-Authenticate: Bearer.",
    source=rfc(6750, "3"),
)
def challenges(server: Server) -> Iterator[str]:
    """Without a token, the response is 401 with WWW-Authenticate."""
    answer = server.userinfo()
    told = answer.header("www-authenticate") or answer.header(RENAMED)
    if answer.status != 401:
        yield f"the status is {answer.status}, not 401"
    elif not told.lower().startswith(("bearer", "dpop")):
        yield f"WWW-Authenticate is {told!r}" if told else "there is no WWW-Authenticate"


@GROUP.check(
    "userinfo-query",
    "warning",
    fix="Accept access tokens only in the Authorization header: logs and browser histories store URLs.",
    source=rfc(9700, "4.3.2"),
)
def reads_no_query(server: Server) -> Iterator[str]:
    """An access token in the URL is ignored."""
    without, asked = server.userinfo(), server.userinfo({"access_token": "doctor"})
    if _told(without) != _told(asked) and "invalid_token" in "".join(_told(asked)):
        yield "an access token in the URL is checked"


def _told(answer: Answer) -> tuple[str, str]:
    """The error of a response, in the header and in the body."""
    return answer.header("www-authenticate") or answer.header(RENAMED), answer.error
