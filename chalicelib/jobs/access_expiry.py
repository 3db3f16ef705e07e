"""Ends access that a user gave an app for a limited time. At its end, every earlier decision is void automatically; a
job then revokes the connections at the providers."""

import hashlib

from chalicelib.ports import Broker
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import consent_item_key, user_key_item_key
from chalicelib.records.job import Job
from chalicelib.vault.revocation import read_connections, revoke_connections
from chalicelib.vault.rules.revocation_results import result_of
from chalicelib.vault.user_keys import open_key_of


def enqueue_expiry(broker: Broker, consent: Consent) -> None:
    """Store the job for the end of a consent; storing the same job twice is harmless."""
    named = f"{consent.sub} {consent.client_id} {consent.ends_at}".encode()
    broker.store.put_job(
        Job(
            kind="time_up",
            job_id=hashlib.sha256(named).hexdigest()[:32],
            due_at=consent.ends_at,
            created_at=broker.clock.now(),
            sub=consent.sub,
            client_id=consent.client_id,
            generation=consent.ends_at,
        )
    )


def revoke_expired_access(broker: Broker, job: Job) -> None:
    """Revoke the connections made before the end. A connection that the user has made since then stays."""
    item_key, key_item_key = consent_item_key(job.sub, job.client_id), user_key_item_key(job.sub)
    found = broker.store.read(item_key, key_item_key)
    consent, own = found.get(item_key), found.get(key_item_key)
    if consent is None or own is None or not own.sealed:
        return
    if job.generation not in (consent.ends_at, consent.marks.not_before):  # the user has changed the end since then
        return
    mine = [one for one in read_connections(broker, job.sub) if one.client_id == job.client_id]
    due = [one for one in mine if one.status != "revoked" and one.connected_at < job.generation]
    ended = revoke_connections(broker, due, open_key_of(broker, own)) if due else []
    for one in ended:
        named = {"connection_id": one.connection_id, "result": result_of(one)}
        broker.log.event("connection_ended", **named, by="time")
    broker.log.event("access_ended", client_id=job.client_id, connections=len(ended), by="time")
