"""Adds the decision of a sign-in to the user's consent, and never overwrites a revocation set meanwhile."""

from collections.abc import Callable

import msgspec

from chalicelib.contention import write_tries
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.protocol.redirect_uri import place_hash
from chalicelib.records.client import Client
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import consent_item_key
from chalicelib.records.sign_in import AuthorizationRequest

DAY = 86400


def record_consent(
    broker: Broker,
    read: Consent | None,
    grant: Grant,
    client: Client,
    *,
    redirect_uri: str,
    in_a_day: bool,
    by_user: bool,
    now: int,
    is_void: Callable[[int], bool],
    ended: Callable[[], None] = lambda: None,
) -> None:
    """Add the scopes of this sign-in to the consent, if they are new. Never overwrites a revocation set meanwhile.

    by_user   the user decided on a page; otherwise removed scopes stay removed
    in_a_day  the access ends 24 hours after this decision
    is_void   returns whether a revocation has voided a decision of that time
    ended     called if a revocation was set meanwhile, before this raises

    Raises TemporarilyUnavailable if other writers keep changing the consent; nothing is issued then.
    """
    for _ in write_tries(broker):
        void = read is not None and (is_void(read.decided_at) or read.void(read.decided_at, now))
        added = add_to_consent(
            read,
            grant,
            client,
            redirect_uri=redirect_uri,
            in_a_day=in_a_day,
            epoch=broker.settings.epoch,
            is_void=void,
            by_user=by_user,
            now=now,
        )
        if added is None:
            return
        if in_a_day:
            _leave_time_up(broker, added)
        result = broker.store.put_consent(added, expected_version=read.version if read else 0)
        if not isinstance(result, Refused):
            return
        item_key = consent_item_key(grant.sub, grant.client_id)
        read = broker.store.read(item_key).get(item_key)
        if read is not None and read.void(grant.decided_at, now):
            ended()
            break
    raise TemporarilyUnavailable("consent_keeps_changing")


def _leave_time_up(broker: Broker, consent: Consent) -> None:
    """Store the job before the end that it is for. After a crash in between, the job finds nothing to do."""
    from chalicelib.jobs.access_expiry import enqueue_expiry

    enqueue_expiry(broker, consent)
    broker.log.event("access_limited", client_id=consent.client_id, ends_at=consent.ends_at)


def add_to_consent(
    read: Consent | None,
    grant: Grant,
    client: Client,
    *,
    redirect_uri: str,
    in_a_day: bool,
    epoch: int,
    is_void: bool,
    by_user: bool,
    now: int,
) -> Consent | None:
    """The consent with this sign-in added; None if it contained it already. A consent of an older epoch or client
    revision, or one that is revoked, is replaced by a new one. An end that the user has set stays."""
    fresh = read is not None and read.epoch == epoch and read.client_revision == client.revision and not is_void
    anew = read.limits_at(grant.decided_at) if read else Consent(sub=grant.sub, client_id=grant.client_id)
    base = read if read is not None and fresh else anew
    known = place_hash(redirect_uri, native=client.application_type == "native")
    added = msgspec.structs.replace(
        base,
        scopes=base.scopes | base.admits(grant.scopes, decided_at=grant.decided_at, by_user=by_user, now=now),
        redirect_hashes=base.redirect_hashes | {known},
        resources=base.resources | frozenset(grant.resources),
        default_connections={**base.default_connections, **grant.connections},
        client_revision=client.revision,
        epoch=epoch,
        ends_at=base.ends_at or (grant.decided_at + DAY if in_a_day else 0),
        withheld=base.withheld - grant.scopes if by_user else base.withheld,
    )
    if read is not None and added == read:
        return None
    decided_at = max(base.decided_at, grant.decided_at)
    return msgspec.structs.replace(added, decided_at=decided_at, version=(read.version if read else 0) + 1)


def consent_covers(
    consent: Consent | None,
    request: AuthorizationRequest,
    client: Client,
    *,
    epoch: int,
    is_void: Callable[[int], bool],
) -> bool:
    """True if the stored consent leaves nothing new to decide (CONS-01, CONS-02).

    is_void   returns whether a revocation has voided a decision of that time
    """
    if consent is None or consent.epoch != epoch or consent.client_revision != client.revision:
        return False
    hashed = place_hash(request.redirect_uri, native=client.application_type == "native")
    known_place = hashed in consent.redirect_hashes
    known_access = request.scopes <= consent.scopes and frozenset(request.resources) <= consent.resources
    return known_place and known_access and not is_void(consent.decided_at)
