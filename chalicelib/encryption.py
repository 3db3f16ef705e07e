"""Vault key -> user key -> one key per write: without the user's key, none of that user's values can be decrypted."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from chalicelib.protocol.sealing import canonical, open_sealed, seal
from chalicelib.records.connection import Connection, Recovery
from chalicelib.records.job import Job
from chalicelib.records.keyset import Keyset
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.small_items import JobKey

Attribute = Literal["access_token", "refresh_token", "previous", "profile", "metadata", "outgoing"]
USER_KEY_BYTES = 32
USER_KEY_VERSION, JOB_KEY_VERSION = 1, 2


class ErasureKeys(Struct, frozen=True, kw_only=True):
    """The keys that decrypt a user's values for jobs: the user's key while it exists, and the job key after an erasure.

    versions     key version (user key or job key) -> key
    expires_at   end of the job key, epoch seconds; None: the user has not been erased
    """

    versions: dict[int, bytes]
    expires_at: int | None = None


OwnKey = bytes | ErasureKeys


class EncryptionContext(Struct, frozen=True, kw_only=True):
    """The owner of an encrypted value. Every field is part of the associated data."""

    connection_id: str
    sub: str
    client_id: str
    provider_id: str
    generation: int
    epoch: int


def encryption_context_of(connection: Connection) -> EncryptionContext:
    """The encryption context of a connection's present values."""
    return EncryptionContext(
        connection_id=connection.connection_id,
        sub=connection.sub,
        client_id=connection.client_id,
        provider_id=connection.provider_id,
        generation=connection.token_generation,
        epoch=connection.epoch,
    )


def seal_user_key(vault: Keyset, user_key: bytes, *, sub: str, salt: bytes) -> bytes:
    """Encrypt a user's key for the table without backups."""
    return seal(vault.current.secret, vault.current.version, user_key, place=_user_key_place(sub), salt=salt)


def open_user_key(vault: Keyset, sealed: bytes, *, sub: str) -> bytes:
    """Raises SealBroken."""
    return open_sealed({v: key.secret for v, key in vault.versions.items()}, sealed, place=_user_key_place(sub))


def seal_job_key(vault: Keyset, job_key: bytes, *, sub: str, expires_at: int, salt: bytes) -> bytes:
    """Encrypt the key for the jobs of an erased user; its expiry is part of the associated data."""
    return seal(vault.current.secret, vault.current.version, job_key, place=_job_key_place(sub, expires_at), salt=salt)


def open_job_key(vault: Keyset, left: JobKey) -> bytes:
    """Raises SealBroken."""
    keys = {v: key.secret for v, key in vault.versions.items()}
    return open_sealed(keys, left.sealed, place=_job_key_place(left.sub, left.expires_at))


def seal_value(user_key: OwnKey, value: bytes, attribute: Attribute, *, place: EncryptionContext, salt: bytes) -> bytes:
    """Encrypt one token or profile of a connection."""
    return _seal(user_key, value, place=_value_place(attribute, place), salt=salt)


def open_value(user_key: OwnKey, sealed: bytes, attribute: Attribute, *, place: EncryptionContext) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), sealed, place=_value_place(attribute, place))


def open_profile(user_key: bytes, connection: Connection) -> dict[str, Any]:
    """The OpenID Connect standard claims that the provider returned; empty if it returned none. Raises SealBroken."""
    if not connection.sealed_profile:
        return {}
    opened = open_value(user_key, connection.sealed_profile, "profile", place=encryption_context_of(connection))
    return msgspec.json.decode(opened, type=dict[str, Any])


def open_metadata(user_key: OwnKey, connection: Connection) -> dict[str, str]:
    """The values of `[metadata]` of the provider's file that this connection has, by name.

    Raises SealBroken.
    """
    if not connection.sealed_metadata:
        return {}
    opened = open_value(user_key, connection.sealed_metadata, "metadata", place=encryption_context_of(connection))
    return msgspec.json.decode(opened, type=dict[str, str])


def seal_answer(user_key: OwnKey, answer: bytes, *, recovery: Recovery, owner: Connection, salt: bytes) -> bytes:
    """Encrypt a provider's response for the recovery item."""
    return _seal(user_key, answer, place=_answer_place(recovery, owner), salt=salt)


def open_answer(user_key: OwnKey, recovery: Recovery, *, owner: Connection) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), recovery.sealed, place=_answer_place(recovery, owner))


def seal_payload(user_key: OwnKey, payload: bytes, *, job: Job, salt: bytes) -> bytes:
    """Encrypt the tokens that a job has to revoke."""
    return _seal(user_key, payload, place=_job_place(job), salt=salt)


def open_payload(user_key: OwnKey, job: Job) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), job.sealed, place=_job_place(job))


def seal_provider_secret(vault: Keyset, secret: str, *, record: ProviderRecord, salt: bytes) -> bytes:
    """Encrypt the broker's client secret for a provider and the hosts in its record; "" for a public registration."""
    return seal(vault.current.secret, vault.current.version, secret.encode(), place=_secret_place(record), salt=salt)


def open_provider_secret(vault: Keyset, record: ProviderRecord) -> str:
    """Raises SealBroken, also if issuer, variables or client_id differ from those at encryption."""
    keys = {v: key.secret for v, key in vault.versions.items()}
    return open_sealed(keys, record.sealed_secret or b"", place=_secret_place(record)).decode()


def _versions(key: OwnKey) -> dict[int, bytes]:
    return key.versions if isinstance(key, ErasureKeys) else {USER_KEY_VERSION: key}


def _seal(key: OwnKey, value: bytes, *, place: bytes, salt: bytes) -> bytes:
    """Encrypt with the job key if there is one, because the user key has been destroyed by then."""
    version, own = max(_versions(key).items())
    return seal(own, version, value, place=place, salt=salt)


def _secret_place(record: ProviderRecord) -> bytes:
    """The provider's hosts are associated data: without the vault key, nobody can redirect a secret or tokens
    elsewhere."""
    hosts = (record.issuer or "", *(part for pair in sorted(record.variables.items()) for part in pair))
    kind = "public" if record.public else "client_secret"
    return canonical("broker", f"PROVIDER#{record.provider_id}", kind, record.client_id, *hosts)


def _user_key_place(sub: str) -> bytes:
    return canonical("broker-keys", f"USER#{sub}", "key", sub)


def _job_key_place(sub: str, expires_at: int) -> bytes:
    return canonical("broker-keys", f"JOBKEY#{sub}", "key", sub, expires_at)


def _value_place(attribute: str, place: EncryptionContext) -> bytes:
    key = f"CONNECTION#{place.connection_id}"
    owner = (place.sub, place.client_id, place.provider_id)
    return canonical("broker", key, attribute, *owner, place.generation, place.epoch)


def _answer_place(recovery: Recovery, owner: Connection) -> bytes:
    key = f"RECOVERY#{recovery.connection_id}"
    whose = (owner.sub, owner.client_id, owner.provider_id)
    return canonical(
        "broker", key, "answer", *whose, recovery.generation, recovery.attempt, recovery.line, recovery.epoch
    )


def _job_place(job: Job) -> bytes:
    return canonical("broker", f"JOB#{job.kind}", job.job_id, "duty", job.sub, job.provider_id, job.connection_id)
