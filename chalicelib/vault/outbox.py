"""Queues jobs for work that remains at a provider after the request: tokens to revoke, refresh attempts to await.

A job is stored before the tokens that it covers are forgotten. It can run twice, and it is deleted only when its work
is done. A crash at any point costs a second call, and never leaves a valid token that the broker no longer knows.
"""

import hashlib

import msgspec
from msgspec import Struct

from chalicelib.encryption import (
    JOB_KEY_VERSION,
    USER_KEY_BYTES,
    ErasureKeys,
    OwnKey,
    seal_job_key,
    seal_payload,
)
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.provider_client import Provider, revoke_token, stored_metadata
from chalicelib.records.connection import Connection, Ending
from chalicelib.records.job import Job
from chalicelib.records.small_items import JobKey
from chalicelib.upstream.revocation import TokenKind
from chalicelib.vault.erasure_keys import LEFT_SECONDS, find_unexpired_key
from chalicelib.vault.rules.refresh_decision import LEASE_SECONDS

Token = tuple[str, TokenKind]
REQUEST_SECONDS = 60  # longer than any request works


class Called(Struct, frozen=True):
    """The results of revocation calls. Only `ask_for_each` builds one, so no token counts as revoked without a call."""

    endings: dict[Token, Ending]

    @property
    def alive(self) -> tuple[Token, ...]:
        """The tokens to try again, because their call failed or could not be made. `not_supported` needs no retry."""
        return tuple(token for token, ending in self.endings.items() if ending == "failed")

    @property
    def rows(self) -> list[tuple[str, Ending]]:
        """The result of each token, by token kind."""
        return [(kind, ending) for (_, kind), ending in self.endings.items()]


class RevocationPayload(Struct, frozen=True, array_like=True):
    """The encrypted part of a revocation job. A later sign-in may own the connection by the time the job runs.

    subs   for tokens that no connection stores: users whose active connections may hold the same tokens by then
    """

    tokens: tuple[Token, ...]
    metadata: dict[str, str]
    subs: tuple[str, ...] = ()


def enqueue_revocation(
    broker: Broker, connection: Connection, user_key: OwnKey, tokens: tuple[Token, ...], *, settles: bool = False
) -> None:
    """Queue a job that revokes these tokens, encrypted under a key that is not destroyed."""
    now, user_key = broker.clock.now(), find_unexpired_key(broker, connection.sub, user_key)
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
        expires_at=user_key.expires_at if isinstance(user_key, ErasureKeys) else None,
    )
    encoded = msgspec.msgpack.encode(RevocationPayload(tokens, stored_metadata(broker, connection, user_key)))
    payload = seal_payload(user_key, encoded, job=job, salt=broker.entropy.token_bytes(32))
    broker.store.put_job(msgspec.structs.replace(job, sealed=payload))


def enqueue_orphan_revocation(
    broker: Broker, provider: Provider, tokens: tuple[Token, ...], subs: tuple[str, ...] = ()
) -> None:
    """Queue a job that revokes tokens that no connection stores.

    The tokens belong to no user yet. They are encrypted under their own expiring key, in the table without backups.
    """
    now, job_id = broker.clock.now(), broker.entropy.token_bytes(16).hex()
    fresh, ends_at = broker.entropy.token_bytes(USER_KEY_BYTES), now + LEFT_SECONDS
    vault, salt = broker.keys.get("vault"), broker.entropy.token_bytes(32)
    sealed = seal_job_key(vault, fresh, sub=job_id, expires_at=ends_at, salt=salt)
    broker.store.put_job_key(JobKey(sub=job_id, sealed=sealed, expires_at=ends_at), now=now)
    job = Job(
        kind="return",
        job_id=job_id,
        due_at=now,
        sub=job_id,
        provider_id=provider.record.provider_id,
        created_at=now,
        expires_at=ends_at,
    )
    key = ErasureKeys(versions={JOB_KEY_VERSION: fresh}, expires_at=ends_at)
    encoded = msgspec.msgpack.encode(RevocationPayload(tokens, provider.metadata, subs))
    payload = seal_payload(key, encoded, job=job, salt=broker.entropy.token_bytes(32))
    broker.store.put_job(msgspec.structs.replace(job, sealed=payload))


def enqueue_completion(broker: Broker, connection: Connection) -> None:
    """Queue a job that finishes a revocation if its request crashes. It is due when that request must have ended."""
    now = broker.clock.now()
    broker.store.put_job(
        Job(
            kind="end",
            job_id=f"{connection.connection_id}-{connection.line}",
            due_at=now + REQUEST_SECONDS,
            connection_id=connection.connection_id,
            sub=connection.sub,
            provider_id=connection.provider_id,
            created_at=now,
            generation=connection.line,
        )
    )


def enqueue_open_attempt(broker: Broker, tombstone: Connection, attempt: int) -> None:
    """Queue a job for a refresh attempt that ran during the revocation, or for a response that cannot be read yet."""
    now = broker.clock.now()
    broker.store.put_job(
        Job(
            kind="open_attempt",
            job_id=f"{tombstone.connection_id}-{tombstone.revoked_generation}-{attempt}",
            due_at=max(now, tombstone.attempt_started + LEASE_SECONDS + 1),
            connection_id=tombstone.connection_id,
            sub=tombstone.sub,
            provider_id=tombstone.provider_id,
            created_at=now,
            generation=tombstone.revoked_generation,
            attempt=attempt,
        )
    )


def ask_for_each(broker: Broker, provider: Provider | None, tokens: tuple[Token, ...]) -> Called:
    """The result of each token. If the provider cannot be called at all, every token is `failed`."""
    if provider is None:
        return Called(dict.fromkeys(tokens, "failed"))
    try:
        return Called({token: revoke_token(broker, provider, *token) for token in tokens})
    except OAuthError as error:
        broker.log.event("revocation_failed", provider_id=provider.record.provider_id, reason=error.reason)
        return Called(dict.fromkeys(tokens, "failed"))


def revoke_tokens(broker: Broker, provider: Provider, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Revoke each token at the provider. Returns the tokens whose call failed or could not be made."""
    return ask_for_each(broker, provider, tokens).alive
