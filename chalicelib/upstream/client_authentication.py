"""How we prove ourselves at a provider (RFC 6749 section 2.3.1, RFC 7523 section 2.2)."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec

from chalicelib.upstream.http import HttpRequest

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def authenticate(
    parameters: Mapping[str, str],
    *,
    method: str,
    client_id: str,
    client_secret: str | None,
    client_id_parameter: str = "client_id",
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and parameters of a request that carries our credentials.

    method          a method of the provider file; without a secret we are a public client
    client_secret   what proves us: the secret, or for client_assertion and signed_secret the JWT that was just signed
    """
    if client_secret is not None and method == "client_secret_basic":
        return {"Authorization": basic(client_id, client_secret)}, dict(parameters)
    named = {**parameters, client_id_parameter: client_id}
    if client_secret is not None and method in ("client_secret_post", "signed_secret"):
        named["client_secret"] = client_secret
    elif client_secret is not None and method == "client_assertion":
        named |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": client_secret}
    return {}, named


def build_request(
    url: str,
    parameters: Mapping[str, str],
    *,
    method: str = "POST",
    body: str = "form",
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    """Parameters on their way: in the query of a GET, else in a body.

    body   form or json
    """
    sent = dict(headers or {})
    if method == "GET":
        return HttpRequest(method="GET", url=with_query(url, parameters), headers=sent)
    if not parameters:
        return HttpRequest(method=method, url=url, headers=sent)
    if body == "json":
        sent["Content-Type"] = JSON
        return HttpRequest(method=method, url=url, headers=sent, body=msgspec.json.encode(dict(parameters)))
    sent["Content-Type"] = FORM
    return HttpRequest(method=method, url=url, headers=sent, body=urlencode(parameters).encode("ascii"))


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters behind those that it has."""
    if not parameters:
        return url
    return url + ("&" if "?" in url else "?") + urlencode(parameters, quote_via=quote)


def basic(client_id: str, client_secret: str) -> str:
    """The Authorization header; both halves are form-encoded first, as the RFC demands."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + b64encode(pair.encode("ascii")).decode("ascii")
