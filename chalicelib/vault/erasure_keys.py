"""The job key of an erased user: it encrypts the tokens that must still be revoked at providers, and it expires."""

from chalicelib.encryption import (
    JOB_KEY_VERSION,
    USER_KEY_BYTES,
    USER_KEY_VERSION,
    ErasureKeys,
    OwnKey,
    open_job_key,
    seal_job_key,
)
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.records.item_keys import user_key_item_key
from chalicelib.records.small_items import JobKey

LEFT_SECONDS = 7 * 86400  # longer than any job is retried


def both_keys(broker: Broker, sub: str, user_key: bytes) -> ErasureKeys:
    """The user's key and the job key, which an earlier try may have created."""
    vault, now = broker.keys.get("vault"), broker.clock.now()
    fresh, ends = broker.entropy.token_bytes(USER_KEY_BYTES), now + LEFT_SECONDS
    sealed = seal_job_key(vault, fresh, sub=sub, expires_at=ends, salt=broker.entropy.token_bytes(32))
    result = broker.store.put_job_key(JobKey(sub=sub, sealed=sealed, expires_at=ends), now=now)
    kept = result.found if isinstance(result, Refused) else result.item
    if kept is None:
        raise TemporarilyUnavailable("job_key_keeps_changing", retry_after=1)
    versions = {USER_KEY_VERSION: user_key, JOB_KEY_VERSION: open_job_key(vault, kept)}
    return ErasureKeys(versions=versions, expires_at=kept.expires_at)


def find_unexpired_key(broker: Broker, sub: str, user_key: OwnKey) -> OwnKey:
    """The key for encrypting a job: the user's key, or both keys if the user was erased after it was decrypted.

    A process holds a user's key in memory during a request. A job can never open a value encrypted under a key that
    was destroyed meanwhile.
    """
    if isinstance(user_key, ErasureKeys) or not user_key:
        return user_key
    item_key = user_key_item_key(sub)
    own = broker.store.read(item_key).get(item_key)
    return user_key if own is not None and own.sealed else both_keys(broker, sub, user_key)
