"""An authorization request held against its client's registration: the same at /authorize and when it is pushed."""

import msgspec

from chalicelib.access import verify_id_token
from chalicelib.asking import load_definition
from chalicelib.custody.linking import check_scope_words
from chalicelib.endpoints.parties import OWN_SCOPES, Parties, load_parties
from chalicelib.ports import Broker
from chalicelib.protocol.authorization_request import check_redirect, parse_authorization_request
from chalicelib.protocol.errors import InvalidRequest, InvalidToken, OAuthError, UnmetAuthenticationRequirements
from chalicelib.protocol.single import Parameters
from chalicelib.records.places import resource_place
from chalicelib.records.resource import Resource
from chalicelib.records.sign_in import AuthorizationRequest


def check_request(
    broker: Broker, parameters: Parameters, client_id: str | None, *, pushed: bool
) -> tuple[Parties, AuthorizationRequest]:
    """The request; a refusal that rests on the cache reads once more.

    Raises PageError where client or redirect URI are not proven, else the registered codes of RFC 6749 section 4.1.2.1.
    """
    parties = load_parties(broker, client_id)
    try:
        return parties, _parse(broker, parameters, parties, pushed=pushed)
    except OAuthError:
        parties = load_parties(broker, client_id, fresh=True)
        return parties, _parse(broker, parameters, parties, pushed=pushed)


def _parse(broker: Broker, parameters: Parameters, parties: Parties, *, pushed: bool) -> AuthorizationRequest:
    client, settings = parties.client, broker.settings
    redirect_uri = check_redirect(parameters, client, named=settings.is_fapi2 and pushed)
    if (client.require_pushed_authorization_requests or settings.wants_pushed) and not pushed:
        whose = "this client" if client.require_pushed_authorization_requests else "the whole deployment"
        raise InvalidRequest("request_not_pushed").noting(required_of=whose, received="parameters in the query")
    request = parse_authorization_request(
        parameters,
        client,
        redirect_uri=redirect_uri,
        provider_ids=frozenset(parties.providers),
        own_scopes=OWN_SCOPES,
        resources=load_resources(broker, parties),
        issuer=settings.issuer,
        refresh_unasked=settings.refresh_tokens_unasked,
    )
    check_scope_words(broker, request.scopes)
    _check_context(broker, request, parties)
    return _with_hint(broker, request, parameters.get("id_token_hint"))


def _check_context(broker: Broker, request: AuthorizationRequest, parties: Parties) -> None:
    """Nobody signs in for what no provider that is left could tell. Raises UnmetAuthenticationRequirements."""
    left = [request.provider_id] if request.provider_id else sorted(parties.providers)
    if request.acr and not any(load_definition(broker, provider_id).identity.acr for provider_id in left):
        raise UnmetAuthenticationRequirements("acr_that_nobody_tells")


def _with_hint(broker: Broker, request: AuthorizationRequest, hint: str | None) -> AuthorizationRequest:
    """Who alone may sign in, where an ID token says so: one of ours, issued to this client; it may be over.

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


def load_resources(broker: Broker, parties: Parties) -> dict[str, Resource]:
    """The resources that this client may ask for, as far as they are registered."""
    places = [resource_place(audience) for audience in sorted(parties.client.resources)]
    if not places:
        return {}
    found = broker.registry.lookup(*places)
    return {resource.audience: resource for place in places if (resource := found.get(place))}
