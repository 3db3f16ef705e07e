"""The revocations that a code or refresh token meets, the same for every grant type.

A request reads them after the write that redeems or refreshes, so a kill switch thrown just before that write counts.
"""

from typing import Any

from chalicelib.ports import Broker, Items
from chalicelib.protocol.errors import InvalidClient, InvalidGrant
from chalicelib.protocol.grant_refusals import PAUSED, PAUSED_MEMBERS
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    consent_item_key,
)
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys


def read_marks(broker: Broker, grant: Grant, *also: ItemKey[Any]) -> Items:
    """All records whose revocation ends this grant, in one batch.

    also   what else the request needs, read in the same call
    """
    return broker.store.read(*revocation_keys(DecisionParties.of_grant(grant)), *also)


def check_marks(broker: Broker, found: Items, grant: Grant, now: int) -> frozenset[str]:
    """The scopes that consent and registration still cover; a revocation also revokes the grant, a pause does not.

    Raises InvalidGrant, InvalidClient.
    """
    client = found.get(client_item_key(grant.client_id))
    consent = found.get(consent_item_key(grant.sub, grant.client_id))
    end = find_revocation_among(found, DecisionParties.of_grant(grant), grant.decided_at, now=now)
    if end == PAUSED:
        raise InvalidGrant(PAUSED, members=PAUSED_MEMBERS)
    if end is not None or client is None or consent is None:
        broker.store.revoke_grant(grant.grant_id, client_id=grant.client_id)
        raise InvalidClient("client_over") if end == "client_over" else InvalidGrant(end or "record_gone")
    return grant.scopes & consent.scopes & client.scopes
