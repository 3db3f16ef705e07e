"""The authorization endpoint, as an app sees it that is registered there (--client-id and --redirect-uri)."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.server.answer import sent_to, split
from cli.doctor.server.asking import NOWHERE
from cli.doctor.server.visit import STATE, Server

GROUP = Group("A registered app")


def near_misses(redirect_uri: str) -> list[str]:
    """Addresses that an inexact comparison takes for the registered one."""
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
    """A redirect_uri that is not registered gets an error page, however near it is."""
    taken = [
        uri
        for uri in near_misses(server.registered)
        if sent_to(server.authorize(redirect_uri=uri), uri) is not None or server.goes_on(redirect_uri=uri)
    ]
    if taken:
        yield f"taken: {', '.join(taken)}"


@GROUP.check(
    "client-pkce-required",
    "error",
    fix="Refuse a request without code_challenge with invalid_request.",
    source=rfc(9700, "2.1.1"),
)
def requires_pkce(server: Server) -> Iterator[str]:
    """A request without code_challenge goes no further."""
    if server.goes_on(code_challenge=None, code_challenge_method=None):
        yield "it is answered as one with S256 is"


@GROUP.check(
    "client-pkce-plain",
    "error",
    fix="Refuse code_challenge_method=plain with invalid_request.",
    source=rfc(9700, "2.1.1"),
)
def refuses_plain(server: Server) -> Iterator[str]:
    """A request with code_challenge_method=plain goes no further."""
    if server.goes_on(code_challenge="v" * 43, code_challenge_method="plain"):
        yield "it is answered as one with S256 is"


@GROUP.check(
    "client-pkce-method",
    "warning",
    fix="Refuse a code_challenge without code_challenge_method with invalid_request.",
    source=rfc(7636, "4.3"),
)
def refuses_no_method(server: Server) -> Iterator[str]:
    """A code_challenge without a method goes no further: it means plain, and nothing else."""
    if server.goes_on(code_challenge="v" * 43, code_challenge_method=None):
        yield "it is answered as one with S256 is"


@GROUP.check(
    "client-iss",
    "error",
    fix="Add iss=ISSUER to every authorization response, errors too.",
    source=rfc(9207, "2"),
)
def says_iss(server: Server) -> Iterator[str]:
    """The answer to an app, an error too, says whose it is where the metadata announces that."""
    if server.metadata.get("authorization_response_iss_parameter_supported") is not True:
        raise Skipped("the metadata does not announce iss")
    told = _error_of(server)
    if told.get("iss") != server.issuer:
        yield f"iss is {told.get('iss')!r}"


@GROUP.check(
    "client-state",
    "error",
    fix="Send state back as it came.",
    source=rfc(6749, "4.1.2.1"),
)
def returns_state(server: Server) -> Iterator[str]:
    """The answer to an app, an error too, carries its state."""
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
    """A response_type that the metadata does not offer goes no further."""
    offered = server.words("response_types_supported")
    for kind in ("token", "doctor"):
        if kind not in offered and server.goes_on(response_type=kind):
            yield f"response_type={kind} is taken"


@GROUP.check(
    "client-resource",
    "advice",
    fix="Refuse a `resource` that is no absolute URI without fragment, or not yours, with invalid_target.",
    source=rfc(8707, "2"),
)
def reads_resource(server: Server) -> Iterator[str]:
    """A `resource` that cannot be one is refused, so that tokens have the audience that was asked for."""
    if server.goes_on(resource=f"{NOWHERE}/#fragment"):
        yield "an impossible resource is passed over"


def _error_of(server: Server) -> dict[str, str]:
    """What an error tells the app. Raises Skipped where it is shown to the user instead."""
    told = sent_to(server.authorize(response_type="doctor"), server.registered)
    if told is None:
        raise Skipped("a wrong response_type is not told to the app by a redirect")
    return told
