"""Small items that only guard or count."""

from msgspec import Struct

from chalicelib.records.keyset import WrappedKey


class KeysetItem(Struct, frozen=True, kw_only=True):
    """All versions of one purpose as stored, newest last.

    revision   raised by every step of a rotation, each of which is one compare-and-swap on it
    """

    purpose: str
    keys: tuple[WrappedKey, ...]
    revision: int = 0


class UserKey(Struct, frozen=True, kw_only=True):
    """One user's key, encrypted under the vault key. Destroying it makes everything encrypted under it unreadable.

    sealed   empty after the key was destroyed: the item stays, so that no request creates another key
    """

    sub: str
    sealed: bytes = b""


class JobKey(Struct, frozen=True, kw_only=True):
    """The key for the jobs of an erased user, encrypted under the vault key."""

    sub: str
    sealed: bytes
    expires_at: int


class RevokedToken(Struct, frozen=True, kw_only=True):
    """An access token that was revoked before it expired."""

    expires_at: int


class UsedOnce(Struct, frozen=True, kw_only=True):
    """A value that may be used only once (the `jti` of a proof or an assertion), stored until it expires."""

    expires_at: int


class StoredRequest(Struct, frozen=True, kw_only=True):
    """A checked request that the browser does not carry, encrypted: pushed (RFC 9126), or too large for a cookie.

    expires_at    when it can no longer be used: a minute after it was pushed, until a browser opens it
    client_id     the client that pushed it; "" if none did: no request_uri opens it then
    browser       SHA-256 hex of the cookie of the one browser that opened it
    bound_until   until when that browser may open it again or decide; fixed when it was first opened
    """

    sealed: bytes
    expires_at: int
    client_id: str = ""
    browser: str = ""
    bound_until: int | None = None
