"""Erases a user: ends the grants, revokes the tokens at the providers, and destroys the user's key. Without the key,
nobody can decrypt the user's values, in backups either.

Tokens that could not be revoked in time are encrypted again under a job key that expires, for the jobs alone. If the
process crashes, the erasure runs again: every step is repeatable, and the key is destroyed last.
"""

from collections.abc import Iterator
from itertools import chain

import msgspec
from msgspec import Struct

from chalicelib.encryption import (
    Attribute,
    ErasureKeys,
    encryption_context_of,
    open_answer,
    open_payload,
    open_value,
    seal_answer,
    seal_payload,
    seal_value,
)
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.item_keys import job_key_item_key, recovery_item_key, subject_item_key, user_key_item_key
from chalicelib.records.job import Job
from chalicelib.records.subject import Subject
from chalicelib.vault.erasure_keys import both_keys
from chalicelib.vault.revocation import read_connections, revoke_connections
from chalicelib.vault.rules.revocation_results import may_change
from chalicelib.vault.user_keys import open_key_of

CLAIM_SECONDS, TRIES = 60, 90
ALL_TIMES = 10**11
ONCE_SECONDS = 60


class Erasure(Struct, frozen=True, kw_only=True):
    """The result of an erasure, and the connections that jobs still have to revoke.

    connections   as they are stored now, oldest first
    ends_at       when the jobs stop and their key expires, epoch seconds; 0 if there are no jobs
    """

    sub: str
    connections: tuple[Connection, ...]
    ends_at: int


def enqueue_erasure(broker: Broker, sub: str) -> None:
    """Store a job that erases the user; storing the same job twice is harmless."""
    now = broker.clock.now()
    broker.store.put_job(Job(kind="erase", job_id=sub, due_at=now - now % ONCE_SECONDS, created_at=now, sub=sub))


def erase_user(broker: Broker, sub: str) -> Erasure | None:
    """Run the whole erasure, or repeat an unfinished one; None if no such user has ever existed.

    Raises TemporarilyUnavailable if another process is still running jobs of this user; the key is not destroyed then.
    """
    subject_at, key_at = subject_item_key(sub), user_key_item_key(sub)
    found = broker.store.read(subject_at, key_at)
    subject, own = found.get(subject_at), found.get(key_at)
    if subject is None:
        return None
    broker.store.erase_subject(subject, now=broker.clock.now())
    _erase_logins(broker, subject)
    mine = read_connections(broker, sub)
    if own is not None and own.sealed:
        user_key = open_key_of(broker, own)
        mine = revoke_connections(broker, mine, user_key)
        if any(may_change(one) for one in mine):
            _hand_over(broker, sub, mine, both_keys(broker, sub, user_key))
        broker.store.destroy_user_key(sub)
    late = [one for one in read_connections(broker, sub) if one.status != "revoked"]
    revoke_connections(broker, late, b"")
    stand = sorted(read_connections(broker, sub), key=lambda one: (one.connected_at, one.connection_id))
    stand = [one if may_change(one) else _empty(broker, one) for one in stand]
    broker.store.forget_new_connections(sub)
    left = broker.store.read(job_key_item_key(sub)).get(job_key_item_key(sub))
    waits = left is not None and any(may_change(one) for one in stand)
    return Erasure(sub=sub, connections=tuple(stand), ends_at=left.expires_at if left and waits else 0)


def _erase_logins(broker: Broker, subject: Subject) -> None:
    """Disable the linked logins too, so that a later sign-in with one of them creates a new user."""
    item_keys = [subject_item_key(name) for name in subject.logins]
    found = broker.store.read(*item_keys) if item_keys else None
    for item_key in item_keys:
        login = found.get(item_key) if found else None
        if login is not None and login.linked_to == subject.sub:
            broker.store.erase_subject(login, now=broker.clock.now())


def _hand_over(broker: Broker, sub: str, tombstones: list[Connection], keys: ErasureKeys) -> None:
    """Encrypt the values that jobs need under the job key, and give each job its expiry, under the job's lease."""
    for one in tombstones:
        if may_change(one):
            broker.store.reseal_connection(_resealed(broker, one, keys))
            _reseal_answer(broker, one, keys)
    for _ in range(TRIES):
        jobs = [job for job in _jobs_of(broker, sub) if job.expires_at is None]
        if not jobs:
            return
        now = broker.clock.now()
        taken = [job for job in jobs if broker.queue.claim(job, now=now, until=now + CLAIM_SECONDS)]
        for job in taken:
            broker.store.put_job(_ending_job(broker, job, keys))
        if not taken:
            broker.sleeper.sleep(1)
    raise TemporarilyUnavailable("duties_keep_running", retry_after=CLAIM_SECONDS)


def _jobs_of(broker: Broker, sub: str) -> Iterator[Job]:
    """The user's jobs, except the erasure, which is running, and the expiry jobs, which will find nothing to do."""
    mine = (job for job in chain(*broker.queue.list_due(ALL_TIMES)) if job.sub == sub)
    return (job for job in mine if job.kind not in ("erase", "time_up"))


def _ending_job(broker: Broker, job: Job, keys: ErasureKeys) -> Job:
    ending = msgspec.structs.replace(job, expires_at=keys.expires_at, claimed_until=0)
    if not job.sealed:
        return ending
    try:
        payload = open_payload(keys, job)
    except DecryptionFailed as broken:
        broker.log.event("alarm", kind="vault_does_not_open", connection_id=job.connection_id, reason=str(broken))
        return ending
    salt = broker.entropy.token_bytes(32)
    return msgspec.structs.replace(ending, sealed=seal_payload(keys, payload, job=job, salt=salt))


def _resealed(broker: Broker, tombstone: Connection, keys: ErasureKeys) -> Connection:
    """Encrypt the tokens and the provider's values under the job key; delete the profile."""
    place = encryption_context_of(tombstone)

    def again(sealed: bytes, attribute: Attribute) -> bytes:
        try:
            value = open_value(keys, sealed, attribute, place=place) if sealed else b""
        except DecryptionFailed:
            return sealed  # cannot be revoked; the job will record it as lost
        return seal_value(keys, value, attribute, place=place, salt=broker.entropy.token_bytes(32)) if value else b""

    return msgspec.structs.replace(
        tombstone,
        sealed_access_token=again(tombstone.sealed_access_token, "access_token"),
        sealed_refresh_token=again(tombstone.sealed_refresh_token, "refresh_token"),
        sealed_previous=again(tombstone.sealed_previous, "previous"),
        sealed_metadata=again(tombstone.sealed_metadata, "metadata"),
        outgoing=tuple(again(one, "outgoing") for one in tombstone.outgoing),
        sealed_profile=b"",
    )


def _reseal_answer(broker: Broker, tombstone: Connection, keys: ErasureKeys) -> None:
    """Encrypt a provider's response whose tokens a job has to revoke under the job key."""
    item_key = recovery_item_key(tombstone.connection_id)
    kept: Recovery | None = broker.store.read(item_key).get(item_key)
    if kept is None or not 0 <= kept.generation <= tombstone.revoked_generation:
        return
    try:
        answer = open_answer(keys, kept, owner=tombstone)
    except DecryptionFailed:
        return
    sealed = seal_answer(keys, answer, recovery=kept, owner=tombstone, salt=broker.entropy.token_bytes(32))
    broker.store.put_recovery(msgspec.structs.replace(kept, sealed=sealed), replacing=kept)


def _empty(broker: Broker, tombstone: Connection) -> Connection:
    """Delete the encrypted values of a tombstone; none of them can be decrypted."""
    sealed = ("sealed_access_token", "sealed_refresh_token", "sealed_previous", "sealed_profile", "sealed_metadata")
    empty = msgspec.structs.replace(tombstone, outgoing=(), **dict.fromkeys(sealed, b""))
    result = broker.store.reseal_connection(empty)
    return tombstone if isinstance(result, Refused) else result.item
