"""Keys by purpose and version, stored and decrypted."""

from typing import Literal

from msgspec import Struct

Purpose = Literal[
    "signing", "handle", "cookie", "identity", "pepper", "user_code", "nonce", "pairwise", "vault", "audit"
]
KeyState = Literal["published", "signing", "retiring", "current", "retired"]


class WrappedKey(Struct, frozen=True, kw_only=True):
    """One version as stored. KMS decrypts `wrapped` only with the context {deployment, purpose, version}.

    state     published: readers know it, but nothing uses it yet; signing, current: signs or encrypts, one per
              keyset; retiring, retired: only verifies or decrypts. Deleted versions are not listed
    since     when this state began, epoch seconds; 0: from the start
    longest   seconds: the longest lifetime that the settings gave to anything signed or encrypted by it
    """

    version: int
    state: KeyState
    created_at: int
    wrapped: bytes
    public_jwk: dict[str, str] | None = None
    since: int = 0
    longest: int = 0


class Key(Struct, frozen=True, kw_only=True):
    """One decrypted version. `secret` is 32 random bytes, or PKCS#8 DER of a P-256 key for purpose `signing`."""

    version: int
    secret: bytes
    kid: str = ""


class Keyset(Struct, frozen=True, kw_only=True):
    """All decrypted versions of one purpose. `current` encrypts, signs and issues; the others only decrypt and
    verify."""

    purpose: Purpose
    current: Key
    versions: dict[int, Key]
