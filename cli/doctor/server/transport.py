"""Checks that all endpoints use TLS."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.server.answer import split
from cli.doctor.server.asking import is_on_loopback
from cli.doctor.server.visit import Server

GROUP = Group("Transport")


@GROUP.check(
    "tls-endpoints",
    "error",
    fix="Use only https URLs without a fragment.",
    source=rfc(6749, "3.1"),
)
def names_https_endpoints(server: Server) -> Iterator[str]:
    """Every endpoint in the metadata is an https URL without a fragment."""
    for name in sorted(server.metadata):
        if not name.endswith("_endpoint") and name != "jwks_uri":
            continue
        parts = split(server.text(name))
        if parts.scheme != "https" and not is_on_loopback(server.text(name)):
            yield f"{name} is {server.text(name) or 'not a string'}"
        elif parts.fragment:
            yield f"{name} has a fragment"


@GROUP.check(
    "tls-plain-http",
    "error",
    fix="Close port 80, or redirect every request there to https.",
    source=rfc(9700, "2.6"),
)
def serves_no_plain_http(server: Server) -> Iterator[str]:
    """Over plain http, the host redirects to https or does not respond."""
    answer = server.over_plain_http()
    if answer is None or answer.status >= 400:
        return
    if not (answer.is_redirect and answer.header("location").startswith("https://")):
        yield f"{answer.url} returns {answer.status}"


@GROUP.check(
    "tls-hsts",
    "advice",
    fix="Send Strict-Transport-Security: max-age=31536000.",
    source=rfc(6797, "7.1"),
)
def tells_browsers_to_stay(server: Server) -> Iterator[str]:
    """Pages tell browsers to use only https (HSTS)."""
    if split(server.issuer).scheme != "https":
        raise Skipped("it is served over http, on loopback")
    for page in server.pages[:1]:
        if "max-age=" not in page.header("strict-transport-security").lower():
            yield f"{page.url.partition('?')[0]} has no Strict-Transport-Security"
