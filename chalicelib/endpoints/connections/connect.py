"""POST /connect: an app requests a link by which its user connects another account, or allows more scopes.

Only the signature of the access token is checked, and nothing is stored. Revocations are read when the link is opened,
before the user is asked anything.
"""

from typing import Any

from chalicelib.access_token_check import consume_token_proof, verify_presented
from chalicelib.endpoints.callers.access_token import read_access_token
from chalicelib.endpoints.callers.clients import ClientContext, decide_for_client
from chalicelib.ports import Broker
from chalicelib.protocol.ascii_text import words
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidTarget,
    InvalidToken,
    OAuthError,
    PageError,
    UnauthorizedClient,
)
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.parameters import Parameters, check_no_query
from chalicelib.protocol.redirect_uri import match_redirect_uri
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import parse_scope
from chalicelib.responses import Response, json_response
from chalicelib.vault.connect_links import LINK_SECONDS, LinkRequest, build_connect_uri


def answer(broker: Broker, http: Request) -> Response:
    """Raises InvalidToken, InvalidRequest, InvalidTarget, InvalidScope, UnauthorizedClient."""
    check_no_query(http.query)
    parameters = Parameters.parse(http.form)
    presented = read_access_token(broker, http, "/connect")
    claims = verify_presented(broker, presented, audience=broker.settings.issuer)
    if "grant_id" not in claims:
        raise InvalidToken("not_a_users_token")
    uri = _answer_checked(broker, parameters, claims)
    consume_token_proof(broker, presented)
    return json_response({"connect_uri": uri, "expires_in": LINK_SECONDS})


def _answer_checked(broker: Broker, parameters: Parameters, claims: dict[str, Any]) -> str:
    """Build the link with the client from the cache; a refusal reads the client again."""
    client_id = claims["client_id"]
    try:
        return decide_for_client(broker, client_id, lambda context: _build(broker, parameters, claims, context))
    except PageError as error:
        raise InvalidToken(error.reason).because_of(error).noting(client_id=client_id) from None
    except OAuthError as error:
        raise error.noting(client_id=client_id) from None


def _build(broker: Broker, parameters: Parameters, claims: dict[str, Any], context: ClientContext) -> str:
    client, provider_id = context.client, parameters.require("provider")
    if client.handout == "none":
        raise UnauthorizedClient("handout_not_registered")
    if provider_id not in context.providers:
        raise InvalidTarget("provider_unknown_or_not_for_client").noting(
            expected=context.providers, received=redact(provider_id)
        )
    redirect_uri = parameters.require("redirect_uri")
    if not match_redirect_uri(redirect_uri, client.redirect_uris, native=client.application_type == "native"):
        refusal = InvalidRequest("redirect_uri_not_registered")
        raise refusal.noting(expected=client.redirect_uris, received=redact(redirect_uri, client.redirect_uris))
    wish = LinkRequest(
        provider_id=provider_id,
        scopes=_choose_scopes(parameters, claims, provider_id),
        redirect_uri=redirect_uri,
        state=parameters.get("state"),
    )
    return build_connect_uri(broker, claims, client, wish)


def _choose_scopes(parameters: Parameters, claims: dict[str, Any], provider_id: str) -> frozenset[str]:
    """The requested scopes, with or without the provider's prefix; by default those of the access token."""
    prefix = provider_id + ":"
    asked = parse_scope(parameters.get("scope"))
    if asked:
        return frozenset(prefix + scope.removeprefix(prefix) for scope in asked)
    return frozenset(scope for scope in words(claims["scope"]) if scope.startswith(prefix))
