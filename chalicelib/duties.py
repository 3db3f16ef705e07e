"""What must still be done at a provider when its request is over: tokens to end, attempts to wait for.

A duty is in the table before anything that it is about is forgotten, it may be done twice, and it is deleted only when
its work is done: a crash anywhere costs a second call, never a token that lives on unknown.
"""

import hashlib
from typing import Literal

import msgspec
from msgspec import Struct

from chalicelib.asking import ProviderFailure, Registered, ask_revocation, find_registered
from chalicelib.ports import Broker, JobQueue
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.sealing import SealBroken
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.job import Job
from chalicelib.records.places import connection_place, provider_place, recovery_place, user_key_place
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.refresh import Renewed, read_refresh_response
from chalicelib.upstream.revocation import TokenKind
from chalicelib.vault.refreshing import LEASE_SECONDS
from chalicelib.vault.sealed import open_answer, open_duty, open_user_key, seal_duty

Token = tuple[str, TokenKind]
Outcome = Literal["done", "later", "given_up"]
MAX_TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 60, 6 * 3600


class Performed(Struct, frozen=True, kw_only=True):
    """What came of one job.

    found   for an open attempt: whether the answer that was waited for had come
    """

    job: Job
    outcome: Outcome
    found: bool = False


def leave_revocation(
    broker: Broker, connection: Connection, user_key: bytes, tokens: tuple[Token, ...], *, settles: bool = False
) -> None:
    """A job that ends these tokens."""
    now = broker.clock.now()
    named = "\n".join(sorted(token for token, _ in tokens))
    job = Job(
        kind="revoke",
        job_id=hashlib.sha256(f"{connection.connection_id}\n{named}".encode()).hexdigest()[:32],
        due_at=now,
        connection_id=connection.connection_id,
        sub=connection.sub,
        provider_id=connection.provider_id,
        created_at=now,
        settles=settles,
        generation=connection.token_generation,
    )
    duty = seal_duty(user_key, msgspec.msgpack.encode(tokens), job=job, salt=broker.entropy.token_bytes(32))
    broker.store.put_job(msgspec.structs.replace(job, sealed=duty))


def leave_open_attempt(broker: Broker, tombstone: Connection) -> None:
    """A job for what a refresh may still bring that ran while the connection was revoked."""
    now = broker.clock.now()
    broker.store.put_job(
        Job(
            kind="open_attempt",
            job_id=f"{tombstone.connection_id}-{tombstone.revoked_generation}-{tombstone.attempt}",
            due_at=max(now, tombstone.attempt_started + LEASE_SECONDS + 1),
            connection_id=tombstone.connection_id,
            sub=tombstone.sub,
            provider_id=tombstone.provider_id,
            created_at=now,
            generation=tombstone.revoked_generation,
            attempt=tombstone.attempt,
        )
    )


def end_tokens(broker: Broker, provider: Registered, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """End each at the provider; those that are still alive because a call failed."""
    return tuple(one for one in tokens if ask_revocation(broker, provider, *one) == "failed")


def tokens_of_answer(
    broker: Broker, definition: ProviderDefinition, recovery: Recovery, owner: Connection, key: bytes
) -> tuple[Token, ...]:
    """What a kept answer brought; nothing where it does not open or says nothing.

    The refresh token where there is one: ending it ends what came with it as a rule.
    """
    try:
        response = msgspec.msgpack.decode(open_answer(key, recovery, owner=owner), type=HttpResponse)
    except (SealBroken, msgspec.DecodeError):
        broker.log.event("alarm", kind="recovery_does_not_open", connection_id=owner.connection_id)
        return ()
    read = read_refresh_response(definition, response, granted=owner.granted, now=recovery.received_at)
    if not isinstance(read, Renewed):
        return ()
    if read.tokens.refresh_token:
        return ((read.tokens.refresh_token, "refresh_token"),)
    return ((read.tokens.access_token, "access_token"),)


def run_due_jobs(broker: Broker, queue: JobQueue) -> list[Performed]:
    """Do every duty whose time has come; what fails is put off, and given up after some days with a line in the log."""
    return [_run(broker, queue, job) for job in queue.list_due(broker.clock.now())]


def _run(broker: Broker, queue: JobQueue, job: Job) -> Performed:
    try:
        done, found = _perform(broker, job)
    except (*ProviderFailure, OAuthError, SealBroken, msgspec.DecodeError) as error:
        broker.log.event("job_failed", kind=job.kind, job_id=job.job_id, reason=str(error))
        done, found = False, False
    if done or job.tries + 1 >= MAX_TRIES:
        _settle(broker, job)
        outcome: Outcome = "done" if done else "given_up"
    else:
        pause = min(FIRST_PAUSE * 4**job.tries, LONGEST_PAUSE)
        later = msgspec.structs.replace(job, tries=job.tries + 1, due_at=broker.clock.now() + pause)
        broker.store.put_job(later)
        outcome = "later"
    queue.delete(job)
    broker.log.event("job", kind=job.kind, job_id=job.job_id, outcome=outcome)
    return Performed(job=job, outcome=outcome, found=found)


def _perform(broker: Broker, job: Job) -> tuple[bool, bool]:
    """(done, whether an open attempt's answer was found)."""
    at, kept_at = connection_place(job.connection_id), recovery_place(job.connection_id)
    key_at, provider_at = user_key_place(job.sub), provider_place(job.provider_id)
    found = broker.store.read(at, kept_at, key_at, provider_at)
    connection, recovery = found.get(at), found.get(kept_at)
    record, sealed = found.get(provider_at), found.get(key_at)
    if connection is None or record is None or sealed is None:
        return False, False
    key = open_user_key(broker.keys.get("vault"), sealed.sealed, sub=job.sub)
    provider = find_registered(broker, record)
    if job.kind == "revoke":
        tokens = msgspec.msgpack.decode(open_duty(key, job), type=tuple[Token, ...])
        return not end_tokens(broker, provider, tokens), False
    if recovery is None or not 0 <= recovery.generation <= job.generation:
        return True, False
    came = (recovery.generation, recovery.attempt) == (job.generation, job.attempt)
    if end_tokens(broker, provider, tokens_of_answer(broker, provider.definition, recovery, connection, key)):
        return False, came
    broker.store.empty_recovery(recovery)
    return True, came


def _settle(broker: Broker, job: Job) -> None:
    """A later decision may replace the tombstone now; also where the call was given up, for it is never made again."""
    if not job.settles:
        return
    place = connection_place(job.connection_id)
    connection = broker.store.read(place).get(place)
    if connection is not None and connection.status == "revoked" and connection.token_generation == job.generation:
        broker.store.settle_connection(connection, now=broker.clock.now())
