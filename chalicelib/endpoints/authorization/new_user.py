"""A user's first sign-in: creates the user's key and the subject."""

from chalicelib.encryption import USER_KEY_BYTES, open_user_key, seal_user_key
from chalicelib.endpoints.authorization.provider_user import ProviderUser
from chalicelib.ports import Broker, Refused
from chalicelib.protocol.errors import TemporarilyUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.small_items import UserKey
from chalicelib.records.subject import Subject


def find_or_make_user(
    broker: Broker, provider_user: ProviderUser, *, known_key: UserKey | None, known_subject: Subject | None
) -> tuple[bytes, Subject]:
    """The user's key, decrypted, and the subject; for a new user both are written, key first."""
    vault, sub = broker.keys.get("vault"), provider_user.sub
    sealed = known_key.sealed if known_key else make_user_key(broker, sub)
    try:
        user_key = open_user_key(vault, sealed, sub=sub)
    except DecryptionFailed:
        broker.log.event("user_key_does_not_open", sub=sub)
        raise TemporarilyUnavailable("user_key_does_not_open") from None
    return user_key, known_subject or _make_subject(broker, provider_user)


def make_user_key(broker: Broker, sub: str) -> bytes:
    """Create the user's key if there is none; the stored value, encrypted. An erased user gets no new key."""
    fresh = broker.entropy.token_bytes(USER_KEY_BYTES)
    sealed = seal_user_key(broker.keys.get("vault"), fresh, sub=sub, salt=broker.entropy.token_bytes(32))
    result = broker.store.put_user_key(sub, sealed)
    if isinstance(result, Refused):
        if result.found is None:
            raise TemporarilyUnavailable("user_key_keeps_changing")
        return result.found
    return result.item


def _make_subject(broker: Broker, provider_user: ProviderUser) -> Subject:
    now = broker.clock.now()
    fresh = Subject(
        sub=provider_user.sub,
        session_salt=broker.entropy.token_bytes(16),
        created_at=now,
        new_connections={provider_user.connection_id: now},
        login=provider_user.login if provider_user.life else "",
        life=provider_user.life,
    )
    result = broker.store.put_subject(fresh)
    if isinstance(result, Refused):
        if result.found is None:
            raise TemporarilyUnavailable("subject_keeps_changing")
        if result.found.linked_to:  # it became a linked login of another user at this moment
            raise TemporarilyUnavailable("login_linked_meanwhile", retry_after=1)
        return result.found
    return result.item
