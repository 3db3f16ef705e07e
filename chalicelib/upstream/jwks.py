"""A provider's public keys (RFC 7517): only public members, only key types that ID tokens are signed with."""

from chalicelib.upstream.answer import read_json_object
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved

MAX_KEYS = 64
_PUBLIC_MEMBERS = {
    "RSA": ("kty", "kid", "use", "alg", "n", "e"),
    "EC": ("kty", "kid", "use", "alg", "crv", "x", "y"),
    "OKP": ("kty", "kid", "use", "alg", "crv", "x"),
}


def build_jwks_request(jwks_uri: str) -> HttpRequest:
    """The key set at its pinned address."""
    return HttpRequest(
        method="GET", url=jwks_uri, headers={"Accept": "application/jwk-set+json, application/json;q=0.9"}
    )


def read_jwks_response(response: HttpResponse) -> dict[str, list[dict[str, str]]]:
    """The usable keys; symmetric ones are dropped, for a public document cannot hold a secret.

    Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved (no usable key among them).
    """
    keys = read_json_object(response, place="jwks").get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ProviderMisbehaved("jwks_malformed")
    usable = [public for key in keys if (public := _public(key)) is not None]
    if not usable:
        raise ProviderMisbehaved("jwks_without_usable_key")
    return {"keys": usable}


def _public(key: object) -> dict[str, str] | None:
    """The public members of one key; None for a kind that signs no ID token here, or one meant for encryption."""
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    members = _PUBLIC_MEMBERS.get(str(key.get("kty")))
    if members is None:
        return None
    return {name: value for name in members if isinstance(value := key.get(name), str)}
