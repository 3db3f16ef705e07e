"""Reads the discovery document of an issuer once, when the operator adds it (OpenID Connect Discovery section 4)."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher, LocalTarget
from chalicelib.records.issuer import Issuer
from chalicelib.upstream.endpoints import build_discovery_request
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.upstream.jwks import build_jwks_request, read_jwks_response
from chalicelib.upstream.response import read_json_object
from cli.deployment.issuers import is_https
from cli.deployment.operations import Deployment, OperationError

T = TypeVar("T")


class IssuerMetadata(Struct, frozen=True, kw_only=True):
    """What the issuer says about itself.

    public_subjects   it calls a user the same at all its clients (`subject_types_supported` is `public` alone)
    """

    jwks_uri: str
    public_subjects: bool


def fetch_metadata(deployment: Deployment, issuer: str) -> IssuerMetadata:
    """The document must name exactly this issuer (RFC 8414 section 3.3). Raises OperationError."""
    document = _read(
        deployment, build_discovery_request(issuer), lambda response: read_json_object(response, place="discovery")
    )
    if document.get("issuer") != issuer:
        raise OperationError("the discovery document names another issuer", "use the exact issuer of its tokens")
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not is_https(jwks_uri, loopback=deployment.settings.is_loopback):
        raise OperationError("the discovery document has no https jwks_uri", "--jwks-uri https://...")
    return IssuerMetadata(jwks_uri=jwks_uri, public_subjects=document.get("subject_types_supported") == ["public"])


def count_keys(deployment: Deployment, jwks_uri: str) -> int:
    """How many usable keys the key set has. Raises OperationError."""
    return len(_read(deployment, build_jwks_request(jwks_uri), read_jwks_response)["keys"])


def fetch_keys(deployment: Deployment, issuer: Issuer) -> dict[str, list[dict[str, str]]]:
    """The issuer's keys, as a request of a client would find them. Raises OperationError."""
    if not issuer.jwks_uri:
        return {"keys": list(issuer.jwks)}
    return _read(deployment, build_jwks_request(issuer.jwks_uri), read_jwks_response)


def _read(deployment: Deployment, request: HttpRequest, read: Callable[[HttpResponse], T]) -> T:
    """By the guarded fetcher: no private host. A broker on loopback may also read an issuer on loopback."""
    parts = urlsplit(request.url)
    allow: tuple[LocalTarget, ...] = ()
    if deployment.settings.is_loopback and parts.scheme == "http" and parts.hostname:
        allow = (LocalTarget(host=parts.hostname, port=parts.port or 80, address=parts.hostname),)
    try:
        return read(GuardedFetcher(allow=allow).fetch(request))
    except (ProviderUnavailable, ProviderMisbehaved, ProviderRefused) as error:
        said = f"{request.url} cannot be read from here ({error.reason})"
        raise OperationError(said, "check the address, then repeat the command") from None
