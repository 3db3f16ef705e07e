"""Revocations that end a decision: where they are stored, and which of one read applies."""

from collections.abc import Mapping
from typing import Any

from chalicelib.ports import Broker, Items
from chalicelib.protocol.actor_claims import whose_grant
from chalicelib.protocol.grant_refusals import find_revocation
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    grant_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.subject import Subject

Claims = Mapping[str, Any]


def revocation_keys(claims: Claims) -> tuple[ItemKey[Any], ...]:
    """Where all that ends a grant stands."""
    sub, client_id = claims["sub"], whose_grant(claims)
    return (
        DEPLOYMENT,
        client_item_key(client_id),
        grant_item_key(claims["grant_id"]),
        provider_item_key(claims["provider"]),
        subject_item_key(sub),
        consent_item_key(sub, client_id),
    )


def find_revocation_among(
    broker: Broker,
    found: Items,
    decided_at: int,
    *,
    sub: str,
    client_id: str,
    provider_id: str,
    first_time: bool = False,
) -> str | None:
    """Which record of one read ends what was decided, or connected, at that time; None where nothing does.

    first_time   there may be no user and no consent yet, who then have no mark; else absence ends it
    """
    subject, consent = found.get(subject_item_key(sub)), found.get(consent_item_key(sub, client_id))
    if first_time:
        subject = subject or Subject(sub=sub, session_salt=b"", created_at=0)
        consent = consent or Consent(sub=sub, client_id=client_id)
    return find_revocation(
        decided_at,
        deployment=found.get(DEPLOYMENT),
        client=found.get(client_item_key(client_id)),
        provider=found.get(provider_item_key(provider_id)),
        subject=subject,
        consent=consent,
        now=broker.clock.now(),
    )
