"""Checks an authorization request against its client's registration, at /authorize and when it is pushed."""

import msgspec

from chalicelib.access_token_check import verify_id_token
from chalicelib.endpoints.callers.clients import OWN_SCOPES, ClientContext, decide_for_client
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import check_redirect, parse_authorization_request
from chalicelib.protocol.errors import InvalidRequest, InvalidToken, UnmetAuthenticationRequirements
from chalicelib.protocol.parameters import Parameters
from chalicelib.provider_client import load_definition
from chalicelib.records.item_keys import resource_item_key
from chalicelib.records.resource import Resource
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.vault.connect_links import check_scope_separator


def check_request(
    broker: Broker, parameters: Parameters, client_id: str | None, *, pushed: bool
) -> tuple[ClientContext, AuthorizationRequest]:
    """The request; a refusal reads the client again without the cache.

    Raises PageError if client or redirect URI are not verified, otherwise the errors of RFC 6749 section 4.1.2.1.
    """
    return decide_for_client(
        broker, client_id, lambda context: (context, _parse(broker, parameters, context, pushed=pushed))
    )


def _parse(broker: Broker, parameters: Parameters, context: ClientContext, *, pushed: bool) -> AuthorizationRequest:
    client, settings = context.client, broker.settings
    redirect_uri = check_redirect(parameters, client, named=settings.is_fapi2 and pushed)
    if (client.require_pushed_authorization_requests or settings.wants_pushed) and not pushed:
        whose = "this client" if client.require_pushed_authorization_requests else "the whole deployment"
        raise InvalidRequest("request_not_pushed").noting(required_of=whose, received="parameters in the query")
    request = parse_authorization_request(
        parameters,
        client,
        redirect_uri=redirect_uri,
        provider_ids=frozenset(context.providers),
        own_scopes=OWN_SCOPES,
        resources=load_resources(broker, context),
        issuer=settings.issuer,
        refresh_unasked=settings.refresh_tokens_unasked,
    )
    check_scope_separator(broker, request.scopes)
    _check_context(broker, request, context)
    return _with_hint(broker, request, parameters.get("id_token_hint"))


def _check_context(broker: Broker, request: AuthorizationRequest, context: ClientContext) -> None:
    """Refuse a required `acr` that no remaining provider reports. Raises UnmetAuthenticationRequirements."""
    left = [request.provider_id] if request.provider_id else sorted(context.providers)
    if request.acr and not any(load_definition(broker, provider_id).identity.acr for provider_id in left):
        raise UnmetAuthenticationRequirements("acr_that_nobody_tells")


def _with_hint(broker: Broker, request: AuthorizationRequest, hint: str | None) -> AuthorizationRequest:
    """Restrict the sign-in to the user of `id_token_hint`, an ID token for this client, which may have expired.

    Raises InvalidRequest.
    """
    if hint is None:
        return request
    try:
        claims = verify_id_token(broker, hint)
    except InvalidToken as error:
        raise InvalidRequest("id_token_hint_" + error.reason) from None
    meant = frozenset({claims["sub"]})
    if claims.get("aud") != request.client_id or not meant <= (request.subjects or meant):
        raise InvalidRequest("id_token_hint_of_another")
    return msgspec.structs.replace(request, subjects=meant)


def load_resources(broker: Broker, context: ClientContext) -> dict[str, Resource]:
    """The registered resources that this client may request."""
    places = [resource_item_key(audience) for audience in sorted(context.client.resources)]
    if not places:
        return {}
    found = broker.registry.lookup(*places)
    return {resource.audience: resource for place in places if (resource := found.get(place))}
