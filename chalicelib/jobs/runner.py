"""Runs due jobs. A job may run twice, late, or in another order, with the same result in the table.

A failed job is retried after a pause that grows fourfold each time, and is given up after some days. The tombstone
records the outcome.
"""

from collections import Counter
from typing import Literal

import msgspec
from msgspec import Struct

from chalicelib.encryption import (
    JOB_KEY_VERSION,
    USER_KEY_VERSION,
    ErasureKeys,
    open_job_key,
    open_payload,
    open_user_key,
)
from chalicelib.jobs.access_expiry import revoke_expired_access
from chalicelib.jobs.backchannel_logout import notify_clients
from chalicelib.jobs.fair_order import interleave_fairly
from chalicelib.jobs.outcome import JobOutcome, end_open_attempt, record_outcome
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.ports import Broker, Items, ItemUnreadable, StoreUnavailable
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.provider_client import ProviderFailure, load_provider, usable_metadata
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import (
    connection_item_key,
    job_key_item_key,
    provider_item_key,
    recovery_item_key,
    user_key_item_key,
)
from chalicelib.records.job import Job
from chalicelib.vault.journal_tokens import exclude_live_tokens
from chalicelib.vault.outbox import RevocationPayload, ask_for_each, revoke_tokens
from chalicelib.vault.revocation import complete_revocation, load_user_context
from chalicelib.vault.rules.shared_accounts import shares_account
from chalicelib.vault.unstored_tokens import read_held_tokens

Outcome = Literal["done", "later", "given_up"]
MAX_TRIES = 16  # over almost three days
FIRST_PAUSE, LONGEST_PAUSE = 60, 6 * 3600
# A job calls a provider a few times, three seconds each. No job starts that might not end in time.
LEAST_SECONDS = 12
CLAIM_SECONDS = 60  # longer than a run may take: a run that has not ended by then has crashed
FAILURES_OF_ONE_RUN = 3
LATE_SECONDS = 600  # then earlier runs have not reached it


class JobResult(Struct, frozen=True, kw_only=True):
    """The result of one job.

    found   for an open attempt: whether the response of that refresh was stored
    """

    job: Job
    outcome: Outcome
    found: bool = False


def run_due_jobs(broker: Broker) -> list[JobResult]:
    """Run every due job, as long as there is time.

    Each job is done by only one of several simultaneous runs. If a provider fails, a run makes only a few attempts
    there. If it is slow, only jobs of the same kind wait.
    """
    performed, failed = list[JobResult](), Counter[str]()
    for job in interleave_fairly(broker.queue.list_due(broker.clock.now()), broker.deadline.left):
        if broker.deadline.left() < LEAST_SECONDS:
            break
        now = broker.clock.now()
        whose = job.provider_id or job.client_id or job.sub or _app_of(job) or job.kind
        if failed[whose] >= FAILURES_OF_ONE_RUN:
            continue
        if broker.queue.claim(job, now=now, until=now + CLAIM_SECONDS):
            broker.log.count("JobsDue")
            if now - job.due_at > LATE_SECONDS:
                broker.log.count("JobsLate")
            done = _run(broker, job)
            failed[whose] += done.outcome != "done"
            performed.append(done)
    return performed


def _run(broker: Broker, job: Job) -> JobResult:
    try:
        done = _perform(broker, job)
    except (*ProviderFailure, OAuthError, DecryptionFailed, ItemUnreadable, msgspec.DecodeError) as error:
        broker.log.event("job_failed", kind=job.kind, job_id=job.job_id, reason=str(error))
        done = JobOutcome(done=False)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - one broken job must not stop all the others
        broker.log.event("alarm", kind="job_broken", job_kind=job.kind, job_id=job.job_id, error=type(error).__name__)
        done = JobOutcome(done=False)
    over = job.expires_at is not None and job.expires_at <= broker.clock.now()
    if done.done:
        outcome: Outcome = "done"
        record_outcome(broker, job, done)
    elif over or job.tries + 1 >= MAX_TRIES:
        outcome = "given_up"
        _tell_operator(broker, job)
        record_outcome(broker, job, msgspec.structs.replace(done, unended=done.unended or "given_up"))
    else:
        outcome = "later"
        _put_off(broker, job)
    broker.queue.delete(job)
    broker.log.event("job", kind=job.kind, job_id=job.job_id, outcome=outcome)
    return JobResult(job=job, outcome=outcome, found=done.found)


def _app_of(job: Job) -> str:
    """The app that a sign-out notifies next."""
    return job.told[0].client_id if job.told else ""


def _tell_operator(broker: Broker, job: Job) -> None:
    if job.kind == "sign_out":
        broker.log.event("alarm", kind="sign_out_given_up", client_id=_app_of(job))
        return
    if job.kind in ("erase", "time_up"):
        broker.log.event("alarm", kind=f"{job.kind}_given_up", sub=job.sub)
        return
    named = {"provider_id": job.provider_id, "connection_id": job.connection_id}
    broker.log.event("alarm", kind="revocation_given_up", **named)


def _put_off(broker: Broker, job: Job) -> None:
    """Store the job again with a later time and no lease; a job with an expiry runs once more at its end."""
    due_at = broker.clock.now() + min(FIRST_PAUSE * 4**job.tries, LONGEST_PAUSE)
    if job.expires_at is not None:
        due_at = min(due_at, job.expires_at)
    later = msgspec.structs.replace(job, tries=job.tries + 1, due_at=due_at, claimed_until=0)
    broker.store.put_job(later)


def _perform(broker: Broker, job: Job) -> JobOutcome:
    if job.kind == "sign_out":
        return JobOutcome(done=notify_clients(broker, job))
    if job.kind == "return":
        return _give_back(broker, job)
    if job.kind == "erase":
        erase_user(broker, job.sub)
        return JobOutcome(done=True)
    if job.kind == "time_up":
        revoke_expired_access(broker, job)
        return JobOutcome(done=True)
    if job.kind == "voided":
        _tell_voided(broker, job)
        return JobOutcome(done=True)
    at, kept_at, provider_at = (
        connection_item_key(job.connection_id),
        recovery_item_key(job.connection_id),
        provider_item_key(job.provider_id),
    )
    found = broker.store.read(at, kept_at, provider_at, user_key_item_key(job.sub), job_key_item_key(job.sub))
    connection, record = found.get(at), found.get(provider_at)
    if connection is None:
        return JobOutcome(done=True)
    if job.kind == "end":
        return _end(broker, job, connection, found)
    if record is None:
        return JobOutcome(done=False)
    if not record.issued(job.created_at):
        return JobOutcome(done=True, unended="given_up")
    key = _open_key(broker, job, found)
    payload = msgspec.msgpack.decode(open_payload(key, job), type=RevocationPayload) if job.kind == "revoke" else None
    metadata = payload.metadata if payload else usable_metadata(broker, record, connection, key)
    provider = load_provider(broker, record, metadata)
    if provider.definition.revocation.ends == "app" and _is_shared(broker, connection):
        return JobOutcome(done=True, unended="kept_shared")
    if payload is not None:
        called = ask_for_each(broker, provider, exclude_live_tokens(payload.tokens, connection, key))
        return JobOutcome(done=not called.alive, called=called)
    return end_open_attempt(broker, job, provider, connection, recovery=found.get(kept_at), key=key)


def _tell_voided(broker: Broker, job: Job) -> None:
    """Report a revocation that the operator's terminal made; the terminal has no permission to send events."""
    named = {"client_id": job.client_id, "provider_id": job.provider_id, "sub": job.sub, "issuer": job.issuer}
    said = {name: value for name, value in named.items() if value}
    kinds = {"client_id": "client", "provider_id": "provider", "sub": "user", "issuer": "issuer"}
    kind = kinds.get(next(iter(said), ""), "everything")
    broker.log.event("access_voided", kind=kind, **said, by="operator")


def _give_back(broker: Broker, job: Job) -> JobOutcome:
    """Revoke the tokens of a sign-in that failed. No connection exists that could record the result."""
    provider_at = provider_item_key(job.provider_id)
    found = broker.store.read(provider_at, user_key_item_key(job.sub), job_key_item_key(job.sub))
    record = found.get(provider_at)
    if record is None:
        return JobOutcome(done=False)
    if not record.issued(job.created_at):
        return JobOutcome(done=True)
    payload = msgspec.msgpack.decode(open_payload(_open_key(broker, job, found), job), type=RevocationPayload)
    held = read_held_tokens(broker, record.provider_id, payload.subs)
    tokens = tuple(token for token in payload.tokens if token[0] not in held)
    return JobOutcome(done=not revoke_tokens(broker, load_provider(broker, record, payload.metadata), tokens))


def _end(broker: Broker, job: Job, connection: Connection, found: Items) -> JobOutcome:
    """Finish a revocation that a request began, unless it is complete or the user has signed in since."""
    if connection.status != "revoked" or connection.line != job.generation or connection.endings:
        return JobOutcome(done=True)
    key = _open_key(broker, job, found)
    complete_revocation(broker, connection, load_user_context(broker, connection), key)
    return JobOutcome(done=True)


def _open_key(broker: Broker, job: Job, found: Items) -> ErasureKeys:
    """The user's key; after an erasure the job key, until it expires; during the erasure both.

    Raises SealBroken if there is neither.
    """
    vault, versions, ends = broker.keys.get("vault"), dict[int, bytes](), None
    own, left = found.get(user_key_item_key(job.sub)), found.get(job_key_item_key(job.sub))
    if own is not None and own.sealed:
        versions[USER_KEY_VERSION] = open_user_key(vault, own.sealed, sub=job.sub)
    if left is not None and left.expires_at > broker.clock.now():
        versions[JOB_KEY_VERSION], ends = open_job_key(vault, left), left.expires_at
    if not versions:
        raise DecryptionFailed("no_key")
    return ErasureKeys(versions=versions, expires_at=ends)


def _is_shared(broker: Broker, connection: Connection) -> bool:
    """Check again whether another app is connected to the same account, because one may have been added since."""
    return any(shares_account(connection, other) for other in load_user_context(broker, connection).others)
