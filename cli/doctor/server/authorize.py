"""Checks the authorization endpoint without a registered app."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.answer import Answer, split
from cli.doctor.server.asking import NOWHERE
from cli.doctor.server.visit import Server

GROUP = Group("Authorization endpoint")
COOKIES = Source(
    "OWASP ASVS 5.0 V3.3", "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x12-V3-Web-Frontend-Security.md"
)


@GROUP.check(
    "authorize-open-redirector",
    "error",
    fix="Show an error page if the client or its redirect_uri is unknown. Redirect only to registered URIs.",
    source=rfc(9700, "4.11.2"),
)
def redirects_no_stranger(server: Server) -> Iterator[str]:
    """An unregistered client is never redirected to its redirect_uri."""
    location = server.stranger.header("location")
    if location.startswith(NOWHERE):
        yield f"an unknown client is redirected to {location.partition('?')[0]}"


@GROUP.check(
    "authorize-stands",
    "error",
    fix="Respond to invalid requests with a 4xx error.",
    source=rfc(6749, "4.1.2.1"),
)
def stands(server: Server) -> Iterator[str]:
    """An unregistered client causes no server error."""
    if server.stranger.status >= 500:
        yield f"the response is {server.stranger.status}"


@GROUP.check(
    "authorize-frames",
    "error",
    fix="Send Content-Security-Policy: frame-ancestors 'none' and X-Frame-Options: DENY with every page.",
    source=rfc(9700, "4.16"),
)
def forbids_frames(server: Server) -> Iterator[str]:
    """Its pages cannot be framed by other sites."""
    for page in _shown(server):
        policy = page.header("content-security-policy").lower()
        if "frame-ancestors" not in policy and not page.header("x-frame-options"):
            yield f"{_where(page)} has neither frame-ancestors nor X-Frame-Options"


@GROUP.check(
    "authorize-referrer",
    "advice",
    fix="Send Referrer-Policy: no-referrer, or same-origin.",
    source=rfc(9700, "4.2.4"),
)
def keeps_its_address(server: Server) -> Iterator[str]:
    """Its pages do not send their URL to other sites."""
    for page in _shown(server):
        if not page.header("referrer-policy"):
            yield f"{_where(page)} has no Referrer-Policy"


@GROUP.check(
    "authorize-cookies",
    "warning",
    fix="Set cookies with Secure, HttpOnly and SameSite=Lax or Strict.",
    source=COOKIES,
)
def sets_safe_cookies(server: Server) -> Iterator[str]:
    """Its cookies are Secure, HttpOnly and SameSite."""
    cookies = {cookie.partition("=")[0].strip(): cookie for page in _seen(server) for cookie in page.cookies}
    if not cookies:
        raise Skipped("it set no cookie")
    wanted = {"httponly", "samesite"} | ({"secure"} if split(server.issuer).scheme == "https" else set())
    for name, cookie in sorted(cookies.items()):
        flags = {flag.strip().partition("=")[0].lower() for flag in cookie.split(";")[1:]}
        if missing := sorted(wanted - flags):
            yield f"{name} is without {', '.join(missing)}"


def _shown(server: Server) -> list[Answer]:
    """Each page once, by its URL. Raises Skipped if no page was shown."""
    pages = {_where(page): page for page in server.pages}
    if not pages:
        raise Skipped("it showed no page")
    return list(pages.values())


def _seen(server: Server) -> list[Answer]:
    return [server.stranger, *server.pages]


def _where(page: Answer) -> str:
    return page.url.partition("?")[0]
