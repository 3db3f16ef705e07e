"""grant_type=...:token-exchange (RFC 8693): our access token for the provider's."""

import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.access import Claims, Use, authorize_use, open_key_of, refuse_unreadable
from chalicelib.grant_types.asked import Asked
from chalicelib.ports import Broker
from chalicelib.protocol.errors import (
    InvalidRequest,
    InvalidTarget,
    InvalidToken,
    UnauthorizedClient,
)
from chalicelib.protocol.scope import serialize
from chalicelib.protocol.sealing import SealBroken
from chalicelib.protocol.single import Parameters
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.places import Place, connection_place, provider_place, recovery_place, user_key_place
from chalicelib.renewing import Held, hold_fresh
from chalicelib.vault.handout import check_handout
from chalicelib.vault.sealed import open_value, place_of

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def answer(broker: Broker, client: Client, parameters: Parameters, asked: Asked) -> dict[str, Any]:
    """Hand out one provider's access token, refreshed at the provider where it has to be.

    Raises UnauthorizedClient, InvalidRequest (the subject token), InvalidTarget, InvalidScope, InvalidGrant.
    """
    _check_handout_allowed(client)
    audience = _parse_request(parameters, asked)
    subject_token = parameters.require("subject_token")

    def look() -> Held:
        """Everything that could refuse, in one read; asked again after each wait and each refresh (VLT-11)."""
        use, grant = _authorize_subject(broker, client, subject_token, audience)
        return _permit(broker, use, grant, audience, asked)

    held = hold_fresh(broker, look(), look)
    token = _open(broker, held)
    _record(broker, held.connection, token)
    body: dict[str, Any] = {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "scope": serialize(held.connection.granted),
        "connection_id": held.connection.connection_id,
    }
    end = held.connection.access_expires_at
    return body if end is None else {**body, "expires_in": end - broker.clock.now()}


def _check_handout_allowed(client: Client) -> None:
    if client.handout == "none":
        raise UnauthorizedClient("handout_not_registered")
    if client.handout == "proxy":
        raise InvalidTarget("proxy_only", members={"reason": "proxy_only"})


def _parse_request(parameters: Parameters, asked: Asked) -> str:
    """The one audience of RFC 8693 section 2.1: a provider id or a connection id."""
    if parameters.require("subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest("subject_token_type_not_access_token")
    if parameters.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise InvalidRequest("requested_token_type_not_access_token")
    if parameters.get("actor_token") is not None or parameters.get("actor_token_type") is not None:
        raise InvalidRequest("actor_token_not_offered")
    audiences = parameters.all("audience")
    if len(audiences) != 1 or asked.audience is not None:
        raise InvalidTarget("not_one_audience")
    return audiences[0]


def _authorize_subject(broker: Broker, client: Client, token: str, audience: str) -> tuple[Use, Grant]:
    """The subject token must be ours, for us, good now, and this very client's."""

    def also_read(claims: Claims) -> tuple[Place[Any], ...]:
        return (user_key_place(claims["sub"]), *_places(claims.get("connections") or {}, audience))

    try:
        use = authorize_use(broker, token, audience=broker.settings.issuer, also_read=also_read)
    except InvalidToken as error:
        raise InvalidRequest(f"subject_{error.reason}") from None
    if use.client.client_id != client.client_id or use.grant is None:
        raise InvalidRequest("subject_token_of_another_client")
    return use, use.grant


def _places(connections: Mapping[str, str], audience: str) -> tuple[Place[Any], ...]:
    """Connection, provider and recovery item of an audience; none where it names neither provider nor connection."""
    for provider_id, connection_id in connections.items():
        if audience in (provider_id, connection_id):
            return connection_place(connection_id), provider_place(provider_id), recovery_place(connection_id)
    return ()


def _permit(broker: Broker, use: Use, grant: Grant, audience: str, asked: Asked) -> Held:
    """Only what the grant names is looked at: another's connection reads like one that does not exist (VLT-01)."""
    places = _places(grant.connections, audience)
    if not places:
        raise InvalidTarget("no_such_connection", members={"reason": "not_connected"})
    hinted = places == _places(use.claims.get("connections") or {}, audience)
    found = use.found if hinted else broker.store.read(*places)
    connection, record, recovery = (found.get(place) for place in places)
    definition = broker.catalog.get(connection.provider_id) if connection else None
    if definition is None:
        raise InvalidTarget("connection_gone", members={"reason": "not_connected"})
    if not use.client.may_use(definition.provider_id):
        raise InvalidTarget("provider_not_for_client", members={"reason": "not_connected"})
    prefix = definition.provider_id + ":"
    allowed = check_handout(
        connection,
        grant,
        record,
        definition,
        asked=frozenset(scope.removeprefix(prefix) for scope in asked.scopes),
        token_scopes=use.scopes,
    )
    sealed = use.found.get(user_key_place(allowed.sub))
    if sealed is None or record is None:
        raise InvalidTarget("user_key_gone", members={"reason": "not_connected"})
    return Held(
        connection=allowed,
        recovery=recovery,
        record=record,
        definition=definition,
        user_key=open_key_of(broker, sealed),
    )


def _open(broker: Broker, held: Held) -> str:
    """Raises ServerError where the vault does not open: never a guess, always an alarm."""
    connection = held.connection
    try:
        opened = open_value(held.user_key, connection.sealed_access_token, "access_token", place=place_of(connection))
    except SealBroken as broken:
        refuse_unreadable(broker, connection, str(broken))
    return opened.decode()


def _record(broker: Broker, connection: Connection, token: str) -> None:
    """The audit record comes before the answer; where it cannot be written nothing is handed out (VLT-05)."""
    broker.store.append_audit(
        AuditEvent(
            event="handout",
            at=broker.clock.now(),
            request_id=broker.entropy.token_bytes(12).hex(),
            sub=connection.sub,
            client_id=connection.client_id,
            provider_id=connection.provider_id,
            connection_id=connection.connection_id,
            scopes=connection.granted,
            token_id=hashlib.sha256(token.encode()).hexdigest(),
        )
    )
