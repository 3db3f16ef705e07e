"""Vault key -> user key -> a key per write: without the user's key nothing of that user opens."""

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
    """What opens a user's values for jobs: the user's own key while it lives, the job key of one who was erased.

    versions     which of the two -> key
    expires_at   of what is sealed under the job key; None: the user has not been erased
    """

    versions: dict[int, bytes]
    expires_at: int | None = None


OwnKey = bytes | ErasureKeys


class EncryptionContext(Struct, frozen=True, kw_only=True):
    """Where a sealed value belongs; all of it is associated data."""

    connection_id: str
    sub: str
    client_id: str
    provider_id: str
    generation: int
    epoch: int


def encryption_context_of(connection: Connection) -> EncryptionContext:
    """The place of what a connection holds now."""
    return EncryptionContext(
        connection_id=connection.connection_id,
        sub=connection.sub,
        client_id=connection.client_id,
        provider_id=connection.provider_id,
        generation=connection.token_generation,
        epoch=connection.epoch,
    )


def seal_user_key(vault: Keyset, user_key: bytes, *, sub: str, salt: bytes) -> bytes:
    """A user's key as the table without backups keeps it."""
    return seal(vault.current.secret, vault.current.version, user_key, place=_user_key_place(sub), salt=salt)


def open_user_key(vault: Keyset, sealed: bytes, *, sub: str) -> bytes:
    """Raises SealBroken."""
    return open_sealed({v: key.secret for v, key in vault.versions.items()}, sealed, place=_user_key_place(sub))


def seal_job_key(vault: Keyset, job_key: bytes, *, sub: str, expires_at: int, salt: bytes) -> bytes:
    """The key for the jobs of an erased user; its end is part of the place."""
    return seal(vault.current.secret, vault.current.version, job_key, place=_job_key_place(sub, expires_at), salt=salt)


def open_job_key(vault: Keyset, left: JobKey) -> bytes:
    """Raises SealBroken."""
    keys = {v: key.secret for v, key in vault.versions.items()}
    return open_sealed(keys, left.sealed, place=_job_key_place(left.sub, left.expires_at))


def seal_value(user_key: OwnKey, value: bytes, attribute: Attribute, *, place: EncryptionContext, salt: bytes) -> bytes:
    """One token or profile of a connection."""
    return _seal(user_key, value, place=_value_place(attribute, place), salt=salt)


def open_value(user_key: OwnKey, sealed: bytes, attribute: Attribute, *, place: EncryptionContext) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), sealed, place=_value_place(attribute, place))


def open_profile(user_key: bytes, connection: Connection) -> dict[str, Any]:
    """OpenID Connect standard claims as the provider said them; empty where it said none."""
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
    """A provider's answer as the recovery item keeps it."""
    return _seal(user_key, answer, place=_answer_place(recovery, owner), salt=salt)


def open_answer(user_key: OwnKey, recovery: Recovery, *, owner: Connection) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), recovery.sealed, place=_answer_place(recovery, owner))


def seal_duty(user_key: OwnKey, duty: bytes, *, job: Job, salt: bytes) -> bytes:
    """The tokens that a job has to end."""
    return _seal(user_key, duty, place=_job_place(job), salt=salt)


def open_duty(user_key: OwnKey, job: Job) -> bytes:
    """Raises SealBroken."""
    return open_sealed(_versions(user_key), job.sealed, place=_job_place(job))


def seal_provider_secret(vault: Keyset, secret: str, *, record: ProviderRecord, salt: bytes) -> bytes:
    """Our client secret at a provider, for the hosts that its record names; of a public registration the empty one."""
    return seal(vault.current.secret, vault.current.version, secret.encode(), place=_secret_place(record), salt=salt)


def open_provider_secret(vault: Keyset, record: ProviderRecord) -> str:
    """Raises SealBroken: also where issuer, variables or client_id are not those under which it was sealed."""
    keys = {v: key.secret for v, key in vault.versions.items()}
    return open_sealed(keys, record.sealed_secret or b"", place=_secret_place(record)).decode()


def _versions(key: OwnKey) -> dict[int, bytes]:
    return key.versions if isinstance(key, ErasureKeys) else {USER_KEY_VERSION: key}


def _seal(key: OwnKey, value: bytes, *, place: bytes, salt: bytes) -> bytes:
    """Under the job key where there is one: the other one's time is over."""
    version, own = max(_versions(key).items())
    return seal(own, version, value, place=place, salt=salt)


def _secret_place(record: ProviderRecord) -> bytes:
    """Whoever moves a secret, or users' tokens, to hosts of their own needs the vault key for it."""
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
