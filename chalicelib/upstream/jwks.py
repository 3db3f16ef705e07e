"""Public keys of others (RFC 7517): a provider's, which sign ID tokens, and a client's, which sign its assertions."""

from chalicelib.protocol.client_keys import UnusableKeys, check_no_private_key, public_half, signs
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved
from chalicelib.upstream.response import read_json_object

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


def read_client_jwks_response(response: HttpResponse) -> dict[str, list[dict[str, str]]]:
    """The keys of a client's published set that may sign an assertion; others are left out.

    If a private key is published with them, every key counts as compromised and none is used.

    Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved (no usable key among them).
    """
    document = read_json_object(response, place="client_jwks")
    keys = document.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ProviderMisbehaved("client_jwks_malformed")
    try:
        check_no_private_key(document)
    except UnusableKeys as error:
        raise ProviderMisbehaved(f"client_jwks_{error.reason}") from None
    usable = [public for key in keys if (public := _usable(key)) is not None]
    if not usable:
        raise ProviderMisbehaved("client_jwks_without_usable_key")
    return {"keys": usable}


def _usable(key: object) -> dict[str, str] | None:
    try:
        return public_half(key) if isinstance(key, dict) and signs(key) else None
    except UnusableKeys:
        return None


def _public(key: object) -> dict[str, str] | None:
    """The public members of one key; None for a kind that signs no ID token here, or one meant for encryption."""
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    members = _PUBLIC_MEMBERS.get(str(key.get("kty")))
    if members is None:
        return None
    return {name: value for name in members if isinstance(value := key.get(name), str)}
