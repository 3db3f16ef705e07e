"""Small items that only guard or count."""

from msgspec import Struct

from chalicelib.records.keyset import WrappedKey


class KeysetItem(Struct, frozen=True, kw_only=True):
    """All versions of one purpose as the table keeps them, newest last."""

    purpose: str
    keys: tuple[WrappedKey, ...]


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


class Seen(Struct, frozen=True, kw_only=True):
    """Something that is good once (a proof's or an assertion's `jti`) has been used; until its end nobody may again."""

    expires_at: int


class StoredRequest(Struct, frozen=True, kw_only=True):
    """A checked request that was too large for a cookie, sealed; lives as long as the sign-in that it belongs to."""

    sealed: bytes
    expires_at: int
