"""What the bearer of our access token may have of one connection: as a token (hand-out) or by a call (proxy).

Everything that could refuse stands in one read, and it is asked again after each wait and each refresh (VLT-11).
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.access import Claims, Use, authorize_use, open_key_of, refuse_unreadable
from chalicelib.ports import Broker, OverLimit
from chalicelib.protocol.errors import InvalidTarget, InvalidToken, TooManyRequests
from chalicelib.protocol.sealing import SealBroken
from chalicelib.records.audit import AuditEvent
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.places import Place, connection_place, provider_place, recovery_place, user_key_place
from chalicelib.renewing import Held, hold_fresh
from chalicelib.vault.handout import check_handout
from chalicelib.vault.sealed import open_value, place_of


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for.

    token       our access token, as it was presented
    client_id   whose it must be; None where the token alone says who asks
    audience    a provider id (the account of this grant there) or a connection id
    scopes      in the provider's names or with its prefix; empty: all that was granted
    """

    token: str
    client_id: str | None
    audience: str
    scopes: frozenset[str] = frozenset()


def hold(broker: Broker, wanted: Wanted) -> Held:
    """The connection, with an access token that has some life left.

    Raises InvalidToken: not ours, not for us, over, or another client's.
    Raises InvalidTarget, InvalidScope: no such connection, or more than was allowed.
    Raises InvalidGrant, TemporarilyUnavailable: the user has to sign in again; it passes by itself.
    Raises TooManyRequests: this user or this client has had enough for now.
    """

    def look() -> Held:
        use, grant = _authorize(broker, wanted)
        return _permit(broker, use, grant, wanted)

    held = look()
    _count_use(broker, held.connection)
    return hold_fresh(broker, held, look)


def open_token(broker: Broker, held: Held) -> str:
    """Raises ServerError where the vault does not open: never a guess, always an alarm."""
    connection = held.connection
    try:
        opened = open_value(held.user_key, connection.sealed_access_token, "access_token", place=place_of(connection))
    except SealBroken as broken:
        refuse_unreadable(broker, connection, str(broken))
    return opened.decode()


def record_use(broker: Broker, connection: Connection, event: str, token: str) -> None:
    """The audit record comes before the use; where it cannot be written nothing is handed out (VLT-05)."""
    broker.store.append_audit(
        AuditEvent(
            event=event,
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


def _count_use(broker: Broker, connection: Connection) -> None:
    """Limits per user in a client, then per client: one user's flood is not held against the others (VLT-06)."""
    settings, client_id = broker.settings, connection.client_id
    limits = (
        ("user", f"{client_id}#{connection.sub}", settings.handouts_per_user),
        ("client", client_id, settings.handouts_per_client),
    )
    for whose, name, limit in limits:
        verdict = broker.limiter.spend(f"{whose}#{name}", limit=limit, now=broker.clock.now()) if limit else None
        if isinstance(verdict, OverLimit):
            if verdict.first:
                broker.log.event(
                    "alarm",
                    kind="handout_limit",
                    whose=whose,
                    client_id=client_id,
                    sub=connection.sub if whose == "user" else None,
                    limit=limit,
                )
            raise TooManyRequests(
                f"handout_limit_of_{whose}", members={"reason": "handout_limit"}, retry_after=verdict.retry_after
            )


def _authorize(broker: Broker, wanted: Wanted) -> tuple[Use, Grant]:
    """The token must be ours, for us, good now, of a user, and this very client's."""

    def also_read(claims: Claims) -> tuple[Place[Any], ...]:
        if "sub" not in claims:
            return ()
        return (user_key_place(claims["sub"]), *_places(claims.get("connections") or {}, wanted.audience))

    use = authorize_use(broker, wanted.token, audience=broker.settings.issuer, also_read=also_read)
    if use.grant is None or wanted.client_id not in (None, use.client.client_id):
        raise InvalidToken("token_of_another_client")
    return use, use.grant


def _places(connections: Mapping[str, str], audience: str) -> tuple[Place[Any], ...]:
    """Connection, provider and recovery item of an audience; none where it names neither provider nor connection."""
    for provider_id, connection_id in connections.items():
        if audience in (provider_id, connection_id):
            return connection_place(connection_id), provider_place(provider_id), recovery_place(connection_id)
    return ()


def _permit(broker: Broker, use: Use, grant: Grant, wanted: Wanted) -> Held:
    """Only what the grant names is looked at: another's connection reads like one that does not exist (VLT-01)."""
    places = _places(grant.connections, wanted.audience)
    if not places:
        raise InvalidTarget("no_such_connection", members={"reason": "not_connected"})
    hinted = places == _places(use.claims.get("connections") or {}, wanted.audience)
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
        asked=frozenset(scope.removeprefix(prefix) for scope in wanted.scopes),
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
