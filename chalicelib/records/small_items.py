"""Small items that only guard or count."""

from msgspec import Struct

from chalicelib.records.keyset import WrappedKey


class KeysetItem(Struct, frozen=True, kw_only=True):
    """All versions of one purpose as the table keeps them, newest last.

    revision   raised by every step of a rotation, each of which is one compare and swap on it
    """

    purpose: str
    keys: tuple[WrappedKey, ...]
    revision: int = 0


class UserKey(Struct, frozen=True, kw_only=True):
    """One user's key, sealed under the vault key; destroying it makes all that it sealed unreadable.

    sealed   empty once it was destroyed: the item stays, so that nobody makes another
    """

    sub: str
    sealed: bytes = b""


class JobKey(Struct, frozen=True, kw_only=True):
    """What the jobs of an erased user may still open, sealed under the vault key."""

    sub: str
    sealed: bytes
    expires_at: int


class RevokedToken(Struct, frozen=True, kw_only=True):
    """An access token that was revoked before its end."""

    expires_at: int


class UsedOnce(Struct, frozen=True, kw_only=True):
    """Something that is good once (a proof's or an assertion's `jti`) has been used; until its end nobody may again."""

    expires_at: int


class StoredRequest(Struct, frozen=True, kw_only=True):
    """A checked request that the browser does not carry, sealed: pushed (RFC 9126), or too large for a cookie.

    expires_at    when nothing may come of it any more: a minute after it was pushed, until a browser opens it
    client_id     who pushed it; "" where nobody did: no request_uri opens it then
    browser       SHA-256 hex of the cookie of the one browser that opened it
    bound_until   until when that browser may open it again or decide; fixed when it was first opened
    """

    sealed: bytes
    expires_at: int
    client_id: str = ""
    browser: str = ""
    bound_until: int | None = None
