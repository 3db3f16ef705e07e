"""How we prove ourselves at a provider (RFC 6749 section 2.3.1)."""

from base64 import b64encode
from urllib.parse import quote, urlencode

import msgspec


def build_authenticated(
    parameters: dict[str, str],
    *,
    method: str,
    client_id: str,
    client_secret: str | None,
    body: str = "form",
    client_id_parameter: str = "client_id",
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a POST that carries our credentials.

    method          client_secret_basic, client_secret_post or none; without a secret we are a public client
    body            form or json
    """
    headers: dict[str, str] = {}
    if client_secret is not None and method == "client_secret_basic":
        headers["Authorization"] = basic(client_id, client_secret)
    else:
        parameters = {**parameters, client_id_parameter: client_id}
        if client_secret is not None and method == "client_secret_post":
            parameters["client_secret"] = client_secret
    if body == "json":
        return {**headers, "Content-Type": "application/json"}, msgspec.json.encode(parameters)
    return {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(parameters).encode("ascii")


def basic(client_id: str, client_secret: str) -> str:
    """The Authorization header; both halves are form-encoded first, as the RFC demands."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + b64encode(pair.encode("ascii")).decode("ascii")
