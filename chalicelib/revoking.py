"""Ending a connection: a tombstone first, then its tokens at the provider, then nothing is left to find.

Every step may be repeated: who revokes again finds the tombstone and goes the same way once more.
"""

from typing import Literal

from chalicelib.asking import ProviderFailure, find_registered
from chalicelib.duties import Token, end_tokens, leave_open_attempt, leave_revocation, tokens_of_answer
from chalicelib.ports import Broker, Written
from chalicelib.protocol.sealing import SealBroken
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection
from chalicelib.records.places import recovery_place
from chalicelib.records.provider import ProviderRecord
from chalicelib.vault.sealed import open_value, place_of

Revoked = Literal["revoked", "not_supported", "kept_shared", "pending", "failed", "changed"]


def end_connection(
    broker: Broker, connection: Connection, record: ProviderRecord, user_key: bytes, *, alone: bool = False
) -> Revoked:
    """End it here at once, and at the provider as far as it can be done.

    alone   no other client of this user has a live connection to that account: where one call ends every grant of our
            app there, it is made only then

    revoked        nothing of it lives at the provider
    pending        a refresh was running; a job ends what it brings
    failed         a call failed and a job repeats it, or an answer was lost and what it held cannot be ended
    kept_shared    the call would have ended another client's access too
    not_supported  the provider offers no such call
    changed        somebody has signed in since it was read; nothing has happened
    """
    result = broker.store.revoke_connection(connection, now=broker.clock.now())
    if not isinstance(result, Written):
        return "changed"
    tombstone = result.item
    definition = broker.catalog.get(record.provider_id)
    if definition is None or definition.revocation.kind == "none":
        broker.store.settle_connection(tombstone, now=broker.clock.now())
        return "not_supported"
    if definition.revocation.ends == "app" and not alone:
        broker.store.settle_connection(tombstone, now=broker.clock.now())
        return "kept_shared"
    return _end_at_provider(broker, tombstone, record, definition, user_key)


def _end_at_provider(
    broker: Broker, tombstone: Connection, record: ProviderRecord, definition: ProviderDefinition, user_key: bytes
) -> Revoked:
    """The job before the calls, the calls before anything is forgotten."""
    rotates = definition.refresh.kind == "rotating"
    pending = rotates and tombstone.attempt_started > 0
    if pending:
        leave_open_attempt(broker, tombstone)
    tokens = _stored_tokens(broker, tombstone, user_key, per_token=definition.revocation.ends == "token")
    place = recovery_place(tombstone.connection_id)
    recovery = broker.store.read(place).get(place)
    if recovery is not None and not 0 <= recovery.generation <= tombstone.revoked_generation:
        recovery = None
    if recovery is not None:
        tokens += tokens_of_answer(broker, definition, recovery, tombstone, user_key)
    tokens = tuple(dict.fromkeys(tokens))
    try:
        provider = find_registered(broker, record)
    except ProviderFailure as error:
        broker.log.event("revocation_failed", provider_id=record.provider_id, reason=error.reason)
        leave_revocation(broker, tombstone, user_key, tokens, settles=True)
        return "failed"
    alive = end_tokens(broker, provider, tokens)
    if alive:
        leave_revocation(broker, tombstone, user_key, alive, settles=True)
        return "failed"
    if recovery is not None:
        broker.store.empty_recovery(recovery)
    broker.store.settle_connection(tombstone, now=broker.clock.now())
    if rotates and tombstone.lost:
        return "failed"
    return "pending" if pending else "revoked"


def _stored_tokens(broker: Broker, tombstone: Connection, user_key: bytes, *, per_token: bool) -> tuple[Token, ...]:
    """Refresh tokens, the replaced ones too; the access token where there is none, or where it would outlive them."""
    place = place_of(tombstone)

    def opened(sealed: bytes, attribute: Literal["access_token", "refresh_token", "previous", "outgoing"]) -> list[str]:
        try:
            return [open_value(user_key, sealed, attribute, place=place).decode()] if sealed else []
        except SealBroken as broken:
            broker.log.event("alarm", kind="vault_does_not_open", connection_id=place.connection_id, reason=str(broken))
            return []

    refresh = opened(tombstone.sealed_refresh_token, "refresh_token")
    refresh += [token for sealed in tombstone.outgoing for token in opened(sealed, "outgoing")]
    if per_token:
        refresh += opened(tombstone.sealed_previous, "previous")
    access = opened(tombstone.sealed_access_token, "access_token") if per_token or not refresh else []
    return (*((token, "refresh_token") for token in refresh), *((token, "access_token") for token in access))
