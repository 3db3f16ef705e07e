"""Checks that clients can find the metadata, and that it belongs to this issuer."""

from collections.abc import Iterator

from cli.doctor.checks import Group, Skipped, Source, rfc
from cli.doctor.server.answer import split
from cli.doctor.server.asking import is_on_loopback
from cli.doctor.server.published import Place
from cli.doctor.server.visit import Server

GROUP = Group("Discovery")
OIDC_PLACE = Source(
    "OpenID Connect Discovery section 4", "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig"
)


@GROUP.check(
    "discovery-found",
    "error",
    fix="Serve the metadata at /.well-known/oauth-authorization-server of the issuer's host, and check the URL.",
    source=rfc(8414, "3"),
)
def is_found(server: Server) -> Iterator[str]:
    """Metadata is served at a well-known URL."""
    if not any(place.document for place in server.places):
        yield "; ".join(_outcome(place) for place in server.places)


@GROUP.check(
    "discovery-no-redirect",
    "error",
    fix="Return 200 at the well-known URL itself. Clients do not follow redirects there.",
    source=rfc(8414, "3.2"),
)
def is_no_redirect(server: Server) -> Iterator[str]:
    """The well-known URLs do not redirect."""
    for place in server.places:
        if place.answer is not None and place.answer.is_redirect:
            yield f"{place.url} redirects to {place.answer.header('location')}"
    _ = server.documents


@GROUP.check(
    "discovery-json",
    "warning",
    fix="Send Content-Type: application/json.",
    source=rfc(8414, "3.2"),
)
def is_json(server: Server) -> Iterator[str]:
    """Metadata is served as application/json."""
    for place in server.documents:
        if place.answer is not None and place.answer.media_type != "application/json":
            yield f"{place.url} is {place.answer.media_type or 'of no type'}"


@GROUP.check(
    "discovery-issuer",
    "error",
    fix="Set `issuer` to exactly the string in the clients' configuration. Clients must refuse any other.",
    source=rfc(8414, "3.3"),
)
def is_this_issuer(server: Server) -> Iterator[str]:
    """`issuer` equals the requested URL, character for character."""
    for place in server.documents:
        issuer = place.document.get("issuer")
        if issuer != server.issuer:
            yield f"{place.url} has {issuer!r}, not {server.issuer!r}"


@GROUP.check(
    "discovery-issuer-form",
    "error",
    fix="Choose an https issuer without query and fragment.",
    source=rfc(8414, "2"),
)
def has_form(server: Server) -> Iterator[str]:
    """The issuer is an https URL without query and fragment; http is only for loopback."""
    _ = server.documents
    parts = split(server.issuer)
    if parts.scheme != "https" and not is_on_loopback(server.issuer):
        yield f"{server.issuer} is not https"
    if parts.query or parts.fragment:
        yield f"{server.issuer} has a query or a fragment"


@GROUP.check(
    "discovery-path-inserted",
    "warning",
    fix="Serve it there too. If you do not control the root of the host (a bare stage URL of API Gateway), use a "
    "custom domain with an empty base path.",
    source=rfc(8414, "3.1"),
)
def inserts_path(server: Server) -> Iterator[str]:
    """An issuer with a path has its metadata with the well-known part before that path."""
    if not server.path:
        raise Skipped("the issuer has no path")
    if server.documents and not any(place.document for place in server.places if place.form != "oidc"):
        yield f"no metadata at {server.places[0].url}"


@GROUP.check(
    "discovery-path-appended",
    "warning",
    fix="Serve it there too: OpenID Connect libraries read only this URL.",
    source=OIDC_PLACE,
)
def appends_path(server: Server) -> Iterator[str]:
    """An OpenID issuer with a path has its metadata with the well-known part after that path."""
    if not server.path:
        raise Skipped("the issuer has no path")
    scopes = server.words("scopes_supported")
    if "openid" in scopes and not any(place.document for place in server.places if place.form == "oidc"):
        yield f"no metadata at {server.root}{server.path}/.well-known/openid-configuration"


@GROUP.check(
    "discovery-agrees",
    "warning",
    fix="Generate all documents from one source.",
    source=rfc(8414, "5"),
)
def agrees(server: Server) -> Iterator[str]:
    """If metadata is served at several URLs, the common members are equal."""
    first, *others = server.documents
    if not others:
        raise Skipped("there is only one document")
    for other in others:
        names = sorted(first.document.keys() & other.document.keys())
        apart = [name for name in names if first.document[name] != other.document[name]]
        if apart:
            yield f"{first.url} and {other.url} differ in {', '.join(apart)}"


def _outcome(place: Place) -> str:
    return f"{place.url}: {place.answer.status}, and no metadata" if place.answer is not None else place.why
