"""Checks the authorization endpoint with a registered app (--client-id and --redirect-uri)."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.server.answer import sent_to, split
from cli.doctor.server.asking import NOWHERE
from cli.doctor.server.visit import STATE, Server

GROUP = Group("A registered app")


def near_misses(redirect_uri: str) -> list[str]:
    """URIs that an inexact comparison accepts as the registered one."""
    parts = split(redirect_uri)
    host = split(NOWHERE).netloc
    return [
        f"{NOWHERE}/callback",
        f"{redirect_uri}/doctor",
        f"{redirect_uri}{'&' if parts.query else '?'}doctor=1",
        f"{redirect_uri}/../doctor",
        parts._replace(netloc=f"{parts.netloc}.{host}").geturl(),
        parts._replace(netloc=f"{parts.netloc}@{host}").geturl(),
    ]


@GROUP.check(
    "client-redirect-exact",
    "error",
    fix="Compare redirect_uri with the registered ones character by character.",
    source=rfc(9700, "2.1"),
)
def compares_exactly(server: Server) -> Iterator[str]:
    """An unregistered redirect_uri gets an error page, however similar it is."""
    taken = [
        uri
        for uri in near_misses(server.registered)
        if sent_to(server.authorize(redirect_uri=uri), uri) is not None or server.goes_on(redirect_uri=uri)
    ]
    if taken:
        yield f"accepted: {', '.join(taken)}"


@GROUP.check(
    "client-pkce-required",
    "error",
    fix="Refuse a request without code_challenge with invalid_request.",
    source=rfc(9700, "2.1.1"),
)
def requires_pkce(server: Server) -> Iterator[str]:
    """A request without code_challenge is refused."""
    if server.goes_on(code_challenge=None, code_challenge_method=None):
        yield "the response is the same as with S256"


@GROUP.check(
    "client-pkce-plain",
    "error",
    fix="Refuse code_challenge_method=plain with invalid_request.",
    source=rfc(9700, "2.1.1"),
)
def refuses_plain(server: Server) -> Iterator[str]:
    """A request with code_challenge_method=plain is refused."""
    if server.goes_on(code_challenge="v" * 43, code_challenge_method="plain"):
        yield "the response is the same as with S256"


@GROUP.check(
    "client-pkce-method",
    "warning",
    fix="Refuse a code_challenge without code_challenge_method with invalid_request.",
    source=rfc(7636, "4.3"),
)
def refuses_no_method(server: Server) -> Iterator[str]:
    """A code_challenge without a method is refused: it means plain."""
    if server.goes_on(code_challenge="v" * 43, code_challenge_method=None):
        yield "the response is the same as with S256"


@GROUP.check(
    "client-iss",
    "error",
    fix="Add iss=ISSUER to every authorization response, errors too.",
    source=rfc(9207, "2"),
)
def says_iss(server: Server) -> Iterator[str]:
    """Every response to an app, also an error, has iss if the metadata announces it."""
    if server.metadata.get("authorization_response_iss_parameter_supported") is not True:
        raise Skipped("the metadata does not announce iss")
    told = _error_of(server)
    if told.get("iss") != server.issuer:
        yield f"iss is {told.get('iss')!r}"


@GROUP.check(
    "client-state",
    "error",
    fix="Return state unchanged.",
    source=rfc(6749, "4.1.2.1"),
)
def returns_state(server: Server) -> Iterator[str]:
    """Every response to an app, also an error, returns its state."""
    told = _error_of(server)
    if told.get("state") != STATE:
        yield f"state is {told.get('state')!r}"


@GROUP.check(
    "client-response-type",
    "error",
    fix="Refuse a response_type that is not offered with unsupported_response_type.",
    source=rfc(6749, "4.1.2.1"),
)
def refuses_response_types(server: Server) -> Iterator[str]:
    """A response_type that the metadata does not offer is refused."""
    offered = server.words("response_types_supported")
    for kind in ("token", "doctor"):
        if kind not in offered and server.goes_on(response_type=kind):
            yield f"response_type={kind} is accepted"


@GROUP.check(
    "client-resource",
    "advice",
    fix="Refuse a `resource` that is not an absolute URI without a fragment, or is unknown, with invalid_target.",
    source=rfc(8707, "2"),
)
def reads_resource(server: Server) -> Iterator[str]:
    """An invalid `resource` is refused, so that tokens have the requested audience."""
    if server.goes_on(resource=f"{NOWHERE}/#fragment"):
        yield "an invalid resource is ignored"


def _error_of(server: Server) -> dict[str, str]:
    """The error that the app receives. Raises Skipped if it is shown to the user instead."""
    told = sent_to(server.authorize(response_type="doctor"), server.registered)
    if told is None:
        raise Skipped("an error for a wrong response_type does not reach the app as a redirect")
    return told
