"""Ending a token at its provider: RFC 7009, or the one call that the provider's file describes."""

from typing import Literal
from urllib.parse import quote

import msgspec

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.answer import check_reachable
from chalicelib.upstream.client_authentication import basic, build_authenticated
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderRefused

TokenKind = Literal["access_token", "refresh_token"]
Revoked = Literal["revoked", "already_over"]


def build_revocation_request(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    *,
    client_id: str,
    client_secret: str | None,
    token: str,
    kind: TokenKind,
) -> HttpRequest | None:
    """The call that ends this token; None where the provider offers none for its kind."""
    rules = definition.revocation
    if rules.kind == "none" or kind not in rules.accepts:
        return None
    if rules.kind == "request":
        return _own_call(definition, client_id=client_id, client_secret=client_secret, token=token)
    if endpoints.revocation_endpoint is None:
        return None
    parameters = {"token": token, "token_type_hint": kind}
    method = rules.auth or definition.token_endpoint_auth_method
    headers, body = build_authenticated(parameters, method=method, client_id=client_id, client_secret=client_secret)
    headers = {"Accept": "application/json", **rules.headers, **headers}
    return HttpRequest(method="POST", url=endpoints.revocation_endpoint, headers=headers, body=body)


def read_revocation_response(definition: ProviderDefinition, response: HttpResponse) -> Revoked:
    """Whether the token is over now.

    Raises ProviderUnavailable (try again later), ProviderRefused (our registration is wrong there).
    """
    if response.status in definition.revocation.gone:
        return "already_over"
    check_reachable(response, place="revocation")
    if response.status >= 400:
        raise ProviderRefused("other", f"revocation_status_{response.status}")
    return "revoked"


def _own_call(
    definition: ProviderDefinition, *, client_id: str, client_secret: str | None, token: str
) -> HttpRequest | None:
    """A call of the provider's own; None without the secret that it needs."""
    rules = definition.revocation
    headers = dict(rules.headers)
    if rules.auth == "client_secret_basic":
        if client_secret is None:
            return None
        headers["Authorization"] = basic(client_id, client_secret)
    values = {name: token if value == "{token}" else value for name, value in rules.json.items()}
    body = msgspec.json.encode(values) if values else b""
    if body:
        headers["Content-Type"] = "application/json"
    url = (rules.url or "").replace("{client_id}", quote(client_id, safe=""))
    return HttpRequest(method=rules.method, url=url, headers=headers, body=body)
