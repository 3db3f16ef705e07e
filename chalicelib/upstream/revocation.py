"""Ending a token at its provider: RFC 7009, or the one call that the provider's file describes."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.providers.definition.placeholders import PLACEHOLDER, fill_text
from chalicelib.upstream.client_authentication import authenticate, build_request
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderRefused
from chalicelib.upstream.response import at, check_reachable, content_type, decode_any_object, error_word

TokenKind = Literal["access_token", "refresh_token"]
Revoked = Literal["revoked", "already_over"]
# Errors that say nothing of the token: of our registration there (RFC 6749 section 5.2, RFC 7009 section 2.2.1), or of
# the provider itself.
OTHER_CAUSES = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "unsupported_token_type"}
    | {"access_denied", "server_error", "temporarily_unavailable"}
)


def build_revocation_request(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    *,
    client_id: str,
    client_secret: str | None,
    token: str,
    kind: TokenKind,
) -> HttpRequest | None:
    """The request that revokes this token.

    None if the provider offers none for its kind, or if it needs a client secret that the broker does not have.
    """
    rules, values = definition.revocation, {"client_id": client_id, "token": token}
    kind = renewing_kind(definition) if kind == "refresh_token" else kind
    if rules.kind == "none" or kind not in rules.accepts:
        return None
    if rules.kind == "request":
        url, http_method = _fill_url(rules.url or "", values), rules.method
        parameters = {name: fill_text(text, values) for name, text in (rules.json or rules.form).items()}
    elif endpoints.revocation_endpoint is None:
        return None
    else:
        url, http_method = endpoints.revocation_endpoint, "POST"
        parameters = {"token": token, "token_type_hint": kind}
    method = _method(definition)
    if client_secret is None and method in ("client_secret_basic", "client_secret_post") and rules.kind == "request":
        return None
    headers, parameters = _prove(
        definition, method, parameters, token, client_id=client_id, client_secret=client_secret
    )
    of_file = {name: fill_text(text, {"client_id": client_id}) for name, text in rules.headers.items()}
    accept = {"Accept": "application/json"} if rules.kind == "rfc7009" else {}
    body = "json" if rules.json else "form"
    return build_request(url, parameters, method=http_method, body=body, headers={**accept, **of_file, **headers})


def renewing_kind(definition: ProviderDefinition) -> TokenKind:
    """The kind of token that is presented for a new one: the access token itself where it is swapped."""
    return "access_token" if definition.refresh.kind == "swap" else "refresh_token"


def read_revocation_response(definition: ProviderDefinition, response: HttpResponse) -> Revoked:
    """Whether the token is revoked now.

    Raises ProviderUnavailable (try again later), ProviderRefused (the registration is wrong, or the provider
        refuses).
    """
    rules = definition.revocation
    if response.status in rules.gone and _speaks_of_token(definition, response):
        return "already_over"
    check_reachable(response, place="revocation")
    document = decode_any_object(response) if rules.success_member or rules.gone_errors else {}
    failed = rules.success_member is not None and at(document, rules.success_member) is not True
    if not failed and response.status < 400:
        return "revoked"
    if error_word(at(document, definition.token.error_path)) in rules.gone_errors:
        return "already_over"
    raise ProviderRefused(
        "other", "revocation_refused" if response.status < 400 else f"revocation_status_{response.status}"
    )


def _speaks_of_token(definition: ProviderDefinition, response: HttpResponse) -> bool:
    """False if the response names another cause, or is an HTML page, which any proxy before the provider may send."""
    if content_type(response) == "text/html":
        return False
    word = error_word(at(decode_any_object(response), definition.token.error_path))
    return definition.token.errors.get(word, word) not in OTHER_CAUSES


def _method(definition: ProviderDefinition) -> str:
    """How the call is proven: as at the token endpoint, or not at all where the call is the provider's own."""
    rules = definition.revocation
    return rules.auth or ("none" if rules.kind == "request" else definition.token_endpoint_auth_method)


def _prove(
    definition: ProviderDefinition,
    method: str,
    parameters: dict[str, str],
    token: str,
    *,
    client_id: str,
    client_secret: str | None,
) -> tuple[dict[str, str], dict[str, str]]:
    if method == "bearer":
        return {"Authorization": f"Bearer {token}"}, parameters
    if definition.revocation.auth == "none" or (method == "none" and definition.revocation.kind == "request"):
        return {}, parameters
    return authenticate(
        parameters,
        method=method,
        client_id=client_id,
        client_secret=client_secret,
        client_id_parameter=definition.authorization.client_id_parameter,
    )


def _fill_url(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe="") if found[1] in values else found[0], template)
