"""Finds the revocation that ends a decision, among records that were read."""

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
    """The item keys of everything that can revoke a grant."""
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
    """The reason for which one record of a read revokes a decision or connection of that time; None if none does.

    first_time   the user and the consent may be absent, and then nothing revokes; otherwise their absence does
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
