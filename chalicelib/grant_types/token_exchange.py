"""grant_type=...:token-exchange (RFC 8693): our access token for the provider's, or for a narrower one of ours."""

from typing import Any

from msgspec.structs import replace

from chalicelib.access import Presented, authorize_use
from chalicelib.custody.keeping import Held
from chalicelib.custody.lending import Wanted, hold, open_token, record_use
from chalicelib.grant_types.asked import Asked
from chalicelib.issuing import choose_audience, issue_access_token, token_type
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.single import Parameters
from chalicelib.records.client import Client

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def answer(broker: Broker, client: Client, parameters: Parameters, asked: Asked) -> dict[str, Any]:
    """With `audience` a provider's access token, refreshed there where it has to be; with `resource` alone one of ours.

    Raises UnauthorizedClient, InvalidRequest (the subject token), InvalidTarget, InvalidScope, InvalidGrant.
    """
    if asked.audience is not None and not parameters.all("audience"):
        return _narrow(broker, client, parameters, asked, asked.audience)
    _check_handout_allowed(client)
    wanted = Wanted(
        audience=_parse_request(parameters, asked),
        presented=Presented(token=parameters.require("subject_token"), proof=asked.proof, in_form=True),
        client_id=client.client_id,
        scopes=asked.scopes,
    )
    held = _hold(broker, wanted)
    token = open_token(broker, held)
    record_use(broker, held, "handout", token)
    body: dict[str, Any] = {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",  # as the provider gives it, whatever the subject token was bound to
        "scope": serialize(held.connection.granted),
        "connection_id": held.connection.connection_id,
    }
    end = held.connection.access_expires_at
    return body if end is None else {**body, "expires_in": end - broker.clock.now()}


def _narrow(broker: Broker, client: Client, parameters: Parameters, asked: Asked, uri: str) -> dict[str, Any]:
    """A token for one API of those that the user allowed, with no more in it than the subject token has: no scope, no
    life, no other key. One for an API is no subject token, so nobody whom it was shown to turns it around."""
    _check_types(parameters)
    presented = Presented(token=parameters.require("subject_token"), proof=asked.proof, in_form=True)
    try:
        use = authorize_use(broker, presented, audience=broker.settings.issuer)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}") from None
    if use.grant is None or use.client.client_id != client.client_id:
        raise InvalidRequest("subject_token_of_another_client")
    if uri != broker.settings.issuer and uri not in client.resources & frozenset(use.grant.resources):
        raise InvalidTarget("resource_not_granted")
    if not asked.scopes <= use.scopes:
        raise InvalidScope("more_than_the_subject_token")
    now, jkt = broker.clock.now(), presented.jkt
    audience = choose_audience(broker, uri, asked.scopes or use.scopes)
    lasts = min(audience.lifetime_seconds, use.claims["exp"] - now)
    audience = replace(audience, lifetime_seconds=lasts)
    token, expires_in = issue_access_token(broker, use.grant, audience=audience, now=now, jkt=jkt)
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": token_type(jkt),
        "expires_in": expires_in,
        "scope": serialize(audience.scopes),
    }


def _hold(broker: Broker, wanted: Wanted) -> Held:
    """RFC 8693 section 2.2.2: a subject token that is not good makes the request invalid."""
    try:
        return hold(broker, wanted)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}").because_of(error) from None


def _check_handout_allowed(client: Client) -> None:
    if client.handout == "none":
        raise UnauthorizedClient("handout_not_registered")
    if client.handout == "proxy":
        raise InvalidTarget("proxy_only", members={"reason": "proxy_only", "retry": "never"})


def _parse_request(parameters: Parameters, asked: Asked) -> str:
    """The one audience of RFC 8693 section 2.1: a provider id or a connection id."""
    _check_types(parameters)
    audiences = parameters.all("audience")
    if len(audiences) != 1 or asked.audience is not None:
        raise InvalidTarget("not_one_audience")
    return audiences[0]


def _check_types(parameters: Parameters) -> None:
    """Access tokens alone, and nobody who acts for somebody: an actor is never named, so there is none to keep."""
    if parameters.require("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest("subject_token_type_not_access_token")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("requested_token_type_not_access_token")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_not_offered")
