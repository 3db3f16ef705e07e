"""The key for jobs of a user who was erased: it seals what must still be ended at providers, and it expires."""

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

LEFT_SECONDS = 7 * 86400  # a key for jobs lives longer than any of them is repeated


def both_keys(broker: Broker, sub: str, user_key: bytes) -> ErasureKeys:
    """The user's key beside the one for jobs, which an earlier try may have made."""
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
    """What may seal for a job: the user's key, or both keys where the user has been erased since it was opened.

    A process holds a user's key in memory for the time of a request. What it seals under a key that was destroyed
    meanwhile, no job can ever open.
    """
    if isinstance(user_key, ErasureKeys) or not user_key:
        return user_key
    item_key = user_key_item_key(sub)
    own = broker.store.read(item_key).get(item_key)
    return user_key if own is not None and own.sealed else both_keys(broker, sub, user_key)
