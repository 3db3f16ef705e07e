"""The consent behind an imported connection: what the user could have allowed here, and never more."""

import msgspec

from chalicelib.contention import write_tries
from chalicelib.ports import Broker, Refused
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import (
    consent_item_key,
)
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys
from cli.connection_transfer.format import NotMoved


def knows(consent: Consent | None, connection: Connection) -> bool:
    """Whether the consent covers that provider. If so, scopes that the user removed since then stay removed."""
    if consent is None:
        return False
    provider_id = connection.provider_id
    return provider_id in consent.default_connections or any(
        scope.startswith(f"{provider_id}:") for scope in consent.scopes
    )


def allow(broker: Broker, client: Client, connection: Connection, scopes: frozenset[str]) -> None:
    """Add the connection to the user's consent. Raises NotMoved if other writers keep winning."""
    place = consent_item_key(connection.sub, connection.client_id)
    for _ in write_tries(broker):
        read = broker.store.read(place).get(place)
        base = _still_allowed(broker, client, read, connection)
        added = msgspec.structs.replace(
            base,
            scopes=base.scopes | scopes,
            default_connections={connection.provider_id: connection.connection_id, **base.default_connections},
            client_revision=client.revision,
            epoch=broker.settings.epoch,
            decided_at=max(base.decided_at, broker.clock.now()),
            version=(read.version if read else 0) + 1,
        )
        if not isinstance(broker.store.put_consent(added, expected_version=added.version - 1), Refused):
            return
    raise NotMoved("consent_keeps_changing")


def _still_allowed(broker: Broker, client: Client, read: Consent | None, connection: Connection) -> Consent:
    """The decision that the new one adds to. Revoked parts are not restored, and a time limit stays."""
    sub, client_id, provider_id = connection.sub, connection.client_id, connection.provider_id
    if read is None:
        return Consent(sub=sub, client_id=client_id)
    parties = DecisionParties(sub, client_id, provider_id)
    found = broker.store.read(*revocation_keys(parties))
    end = find_revocation_among(found, parties, read.decided_at, now=broker.clock.now(), first_time=True)
    of_now = read.epoch == broker.settings.epoch and read.client_revision == client.revision
    return read if of_now and end is None else read.limits_at(broker.clock.now())
