"""Adds a connect to the consent and to the grant that requested it; removes nothing."""

from collections.abc import Callable

import msgspec

from chalicelib.contention import write_tries
from chalicelib.ports import Broker, Refused, Widening
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import consent_item_key
from chalicelib.vault.connect_links import LinkRequester


def extend_consent(
    broker: Broker,
    asker: LinkRequester,
    connection: Connection,
    scopes: frozenset[str],
    *,
    decided_at: int,
    over: str,
    now: int,
    ended: Callable[[], None],
) -> frozenset[str]:
    """Add the scopes that no later reduction has removed, and make the connection the default if its provider has no
    usable default. Returns the scopes that were added or known.

    over    a default connection that has been revoked; "" if there is none
    ended   called if a revocation was set meanwhile, before this raises

    Raises TemporarilyUnavailable if other writers keep changing the consent, or a revocation was set meanwhile.
    """
    read = _renew(broker, asker, decided_at)
    item_key = consent_item_key(read.sub, read.client_id)
    for _ in write_tries(broker):
        admitted = read.admits(scopes, decided_at=decided_at, by_user=True, now=now)
        added = _add(read, connection, admitted, over=over)
        if added == read:
            return admitted
        added = msgspec.structs.replace(added, decided_at=max(read.decided_at, decided_at), version=read.version + 1)
        if not isinstance(broker.store.put_consent(added, expected_version=read.version), Refused):
            return admitted
        found = broker.store.read(item_key).get(item_key)
        if found is None or found.void(decided_at, now) or found.void(asker.grant.decided_at, now):
            ended()
            break
        read = found
    raise TemporarilyUnavailable("consent_keeps_changing")


def extend_grant(
    broker: Broker, asker: LinkRequester, connection: Connection, scopes: frozenset[str], now: int
) -> None:
    """Extend the grant that requested the link. Raises PageError if it has ended meanwhile."""
    grant = asker.grant
    if scopes <= grant.scopes and connection.provider_id in grant.connections:
        return
    widening = Widening(
        grant_id=grant.grant_id,
        sub=grant.sub,
        client_id=grant.client_id,
        scopes=scopes,
        provider_id=connection.provider_id,
        connection_id=connection.connection_id,
        epoch=broker.settings.epoch,
        now=now,
        version=grant.version,
    )
    if isinstance(broker.store.widen_grant(widening), Refused):
        raise PageError("grant_ended_meanwhile", page="link_over", status=403)


def _renew(broker: Broker, asker: LinkRequester, decided_at: int) -> Consent:
    """The consent to add to. A standing grant may meet one of an earlier registration or epoch, whose scopes it cannot
    use: the user's decision on this page starts a new one with the same limits."""
    read, client = asker.consent, asker.client
    current = (read.epoch, read.client_revision) == (broker.settings.epoch, client.revision)
    if current or not asker.grant.origin:
        return read
    anew = read.limits_at(decided_at)
    return msgspec.structs.replace(
        anew, client_revision=client.revision, epoch=broker.settings.epoch, version=read.version
    )


def _add(read: Consent, connection: Connection, scopes: frozenset[str], *, over: str) -> Consent:
    defaults = read.default_connections
    if defaults.get(connection.provider_id, over) == over:
        defaults = {**defaults, connection.provider_id: connection.connection_id}
    return msgspec.structs.replace(read, scopes=read.scopes | scopes, default_connections=defaults)
