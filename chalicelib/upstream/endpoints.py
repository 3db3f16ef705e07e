"""Where a provider's endpoints are: from its file, or from the metadata of its issuer (RFC 8414, OpenID Discovery)."""

import re

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved
from chalicelib.upstream.response import read_json_object

_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.[0-9]{1,3}|localhost|\[::1\])(:[0-9]{1,5})?(/[!-~]*)?")

_OF_FILE = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint")


class Endpoints(Struct, frozen=True, kw_only=True):
    """One provider's endpoints, as they are used for one request.

    issuer          exactly as `iss` of callbacks and ID tokens must read
    iss_parameter   RFC 9207: the provider promises `iss` in every callback, so that a missing one is an attack
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None
    iss_parameter: bool = False


def static_endpoints(definition: ProviderDefinition) -> Endpoints:
    """The endpoints of a file without discovery; its parser has seen to it that they are there."""
    if not (definition.issuer and definition.authorization_endpoint and definition.token_endpoint):
        raise ValueError("a definition without discovery names its endpoints")
    return Endpoints(
        issuer=definition.issuer,
        authorization_endpoint=definition.authorization_endpoint,
        token_endpoint=definition.token_endpoint,
        userinfo_endpoint=definition.userinfo_endpoint,
        jwks_uri=definition.jwks_uri,
        revocation_endpoint=definition.revocation_endpoint,
        iss_parameter=definition.authorization_response_iss_parameter_supported,
    )


def build_discovery_request(issuer: str) -> HttpRequest:
    """The metadata document of an issuer (OpenID Connect Discovery section 4)."""
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    return HttpRequest(method="GET", url=url, headers={"Accept": "application/json"})


def read_discovery_response(definition: ProviderDefinition, issuer: str, response: HttpResponse) -> Endpoints:
    """Read an issuer's metadata; what the file says itself goes before it.

    issuer   as configured; the document must repeat it byte for byte (RFC 8414 section 3.3)

    Raises ProviderMisbehaved, ProviderUnavailable.
    """
    document = read_json_object(response, place="discovery")
    if document.get("issuer") != issuer:
        raise ProviderMisbehaved("discovery_issuer_mismatch")
    methods = document.get("code_challenge_methods_supported")
    if definition.authorization.pkce == "required" and isinstance(methods, list) and "S256" not in methods:
        raise ProviderMisbehaved("discovery_without_s256")
    authorization_endpoint = definition.authorization_endpoint or _endpoint(document, "authorization_endpoint", issuer)
    token_endpoint = definition.token_endpoint or _endpoint(document, "token_endpoint", issuer)
    jwks_uri = definition.jwks_uri or _endpoint(document, "jwks_uri", issuer)
    if authorization_endpoint is None or token_endpoint is None or (definition.is_openid and jwks_uri is None):
        raise ProviderMisbehaved("discovery_endpoint_missing")
    return Endpoints(
        issuer=issuer,
        authorization_endpoint=authorization_endpoint,
        token_endpoint=token_endpoint,
        userinfo_endpoint=definition.userinfo_endpoint or _endpoint(document, "userinfo_endpoint", issuer),
        jwks_uri=jwks_uri,
        revocation_endpoint=definition.revocation_endpoint or _endpoint(document, "revocation_endpoint", issuer),
        iss_parameter=document.get("authorization_response_iss_parameter_supported") is True,
    )


def lay_over(definition: ProviderDefinition, found: Endpoints) -> Endpoints:
    """The discovered endpoints, replaced by those of the provider's file, which can differ for each connection."""
    return replace(found, **{key: url for key in _OF_FILE if (url := getattr(definition, key)) is not None})


def _endpoint(document: dict[str, object], name: str, issuer: str) -> str | None:
    """One URL of the document: https, or loopback where the issuer itself is on loopback (the local stack)."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 2048 or "#" in value or "\\" in value:
        raise ProviderMisbehaved("discovery_endpoint_malformed")
    if _HTTPS.fullmatch(value) or (_LOOPBACK.fullmatch(value) and _LOOPBACK.fullmatch(issuer)):
        return value
    raise ProviderMisbehaved("discovery_endpoint_not_https")
