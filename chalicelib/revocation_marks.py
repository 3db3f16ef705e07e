"""Finds the revocation that ends a decision, among records that were read."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib.ports import Items
from chalicelib.protocol.actor_claims import whose_grant
from chalicelib.protocol.grant_refusals import find_revocation
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    consent_item_key,
    issuer_item_key,
    provider_item_key,
    subject_item_key,
)
from chalicelib.records.subject import Subject

Claims = Mapping[str, Any]


class DecisionParties(Struct, frozen=True):
    """The user, client and provider of a decision. Each record that can revoke the decision belongs to one of them.

    provider_id   of the sign-in; "" if only a trusted issuer stood for it
    origin        of a standing grant: the id of the trusted issuer's record; "" for a sign-in at the broker
    """

    sub: str
    client_id: str
    provider_id: str
    origin: str = ""

    @classmethod
    def of_claims(cls, claims: Claims) -> "DecisionParties":
        """The parties of the grant behind an access token."""
        return cls(claims["sub"], whose_grant(claims), claims["provider"], claims.get("origin", ""))

    @classmethod
    def of_grant(cls, grant: Grant) -> "DecisionParties":
        """The parties of a grant."""
        return cls(grant.sub, grant.client_id, grant.provider_id, grant.origin)


def revocation_keys(parties: DecisionParties) -> tuple[ItemKey[Any], ...]:
    """The item keys of every record that can revoke a decision of these parties."""
    return (
        DEPLOYMENT,
        client_item_key(parties.client_id),
        *_source_keys(parties).values(),
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
        sources={kind: found.get(item_key) for kind, item_key in _source_keys(parties).items()},
        subject=subject,
        consent=consent,
        now=now,
    )


def cutoff_of(found: Items, parties: DecisionParties) -> int:
    """The latest cutoff among the records of one read; 0 if there is none.

    found   a read of `revocation_keys`
    """
    records = [found.get(item_key) for item_key in revocation_keys(parties)]
    return max([0, *(record.marks.not_before or 0 for record in records if record is not None)])


def is_provider_revoked(found: Items, provider_id: str, at: int) -> bool:
    """True if the deployment or this provider was disabled since that time."""
    deployment, provider = found.get(DEPLOYMENT), found.get(provider_item_key(provider_id))
    ended = deployment is not None and deployment.marks.void(at)
    return ended or provider is None or provider.marks.void(at)


def _source_keys(parties: DecisionParties) -> dict[str, ItemKey[Any]]:
    """The item keys of the records behind the sign-in. Only a standing grant can have no provider."""
    keys: dict[str, ItemKey[Any]] = {}
    if parties.provider_id or not parties.origin:
        keys["provider"] = provider_item_key(parties.provider_id)
    if parties.origin:
        keys["issuer"] = issuer_item_key(parties.origin)
    return keys
