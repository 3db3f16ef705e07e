"""The revocations that a code or refresh token meets, the same for every grant type.

A request reads them after the write that redeems or refreshes, so a kill switch thrown just before that write counts.
"""

from typing import Any

from chalicelib.access import find_end_among
from chalicelib.ports import Broker, Found
from chalicelib.protocol.errors import InvalidClient, InvalidGrant
from chalicelib.protocol.grants import PAUSED, PAUSED_MEMBERS
from chalicelib.records.grant import Grant
from chalicelib.records.places import (
    DEPLOYMENT,
    Place,
    client_place,
    consent_place,
    provider_place,
    subject_place,
)


def read_marks(broker: Broker, grant: Grant, *also: Place[Any]) -> Found:
    """All records whose revocation ends this grant, in one batch.

    also   what else the request needs, read in the same call
    """
    return broker.store.read(
        DEPLOYMENT,
        client_place(grant.client_id),
        provider_place(grant.provider_id),
        subject_place(grant.sub),
        consent_place(grant.sub, grant.client_id),
        *also,
    )


def check_marks(broker: Broker, found: Found, grant: Grant) -> frozenset[str]:
    """The scopes that consent and registration still cover; a revocation also revokes the grant, a pause does not.

    Raises InvalidGrant, InvalidClient.
    """
    client = found.get(client_place(grant.client_id))
    consent = found.get(consent_place(grant.sub, grant.client_id))
    end = find_end_among(
        broker,
        found,
        grant.decided_at,
        sub=grant.sub,
        client_id=grant.client_id,
        provider_id=grant.provider_id,
    )
    if end == PAUSED:
        raise InvalidGrant(PAUSED, members=PAUSED_MEMBERS)
    if end is not None or client is None or consent is None:
        broker.store.revoke_grant(grant.grant_id, client_id=grant.client_id)
        raise InvalidClient("client_over") if end == "client_over" else InvalidGrant(end or "record_gone")
    return grant.scopes & consent.scopes & client.scopes
