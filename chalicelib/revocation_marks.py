"""Finds the revocation that ends a decision, among records that were read."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.ports import Items
from chalicelib.protocol.actor_claims import whose_grant
from chalicelib.protocol.grant_refusals import find_revocation
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.subject import Subject

Claims = Mapping[str, Any]


class DecisionParties(Struct, frozen=True):
    """The user, client and provider of a decision. Each record that can revoke the decision belongs to one of them."""

    sub: str
    client_id: str
    provider_id: str

    @classmethod
    def of_claims(cls, claims: Claims) -> "DecisionParties":
        """The parties of the grant behind an access token."""
        return cls(claims["sub"], whose_grant(claims), claims["provider"])


def revocation_keys(parties: DecisionParties) -> tuple[ItemKey[Any], ...]:
    """The item keys of every record that can revoke a decision of these parties."""
    return (
        DEPLOYMENT,
        client_item_key(parties.client_id),
        provider_item_key(parties.provider_id),
        subject_item_key(parties.sub),
        consent_item_key(parties.sub, parties.client_id),
    )


def find_revocation_among(
    found: Items, parties: DecisionParties, decided_at: int, *, now: int, first_time: bool = False
) -> str | None:
    """The reason for which one record of a read revokes a decision or connection of that time; None if none does.

    found        a read of `revocation_keys`
    first_time   the user and the consent may be absent, and then nothing revokes; otherwise their absence does
    """
    sub, client_id = parties.sub, parties.client_id
    subject, consent = found.get(subject_item_key(sub)), found.get(consent_item_key(sub, client_id))
    if first_time:
        subject = subject or Subject(sub=sub, session_salt=b"", created_at=0)
        consent = consent or Consent(sub=sub, client_id=client_id)
    return find_revocation(
        decided_at,
        deployment=found.get(DEPLOYMENT),
        client=found.get(client_item_key(client_id)),
        provider=found.get(provider_item_key(parties.provider_id)),
        subject=subject,
        consent=consent,
        now=now,
    )


def is_provider_revoked(found: Items, provider_id: str, at: int) -> bool:
    """True if the deployment or this provider was disabled since that time."""
    deployment, provider = found.get(DEPLOYMENT), found.get(provider_item_key(provider_id))
    ended = deployment is not None and deployment.marks.void(at)
    return ended or provider is None or provider.marks.void(at)
