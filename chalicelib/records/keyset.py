"""Keys by purpose and version, as they stand once opened."""

from typing import Literal

from msgspec import Struct

Purpose = Literal[
    "signing", "handle", "cookie", "identity", "pepper", "user_code", "nonce", "pairwise", "vault", "audit"
]
KeyState = Literal["published", "signing", "retiring", "current", "retired"]


class WrappedKey(Struct, frozen=True, kw_only=True):
    """One version as the table keeps it: `wrapped` opens only by KMS with {deployment, purpose, version}.

    state     published: it may open, nothing is sealed or signed under it yet; signing, current: it seals or signs, one
              of a keyset; retiring, retired: it only verifies or opens. What is gone does not stand here any more
    since     epoch seconds of that state; 0: from the beginning
    longest   seconds: the longest life that the settings have given to anything since it seals or signs
    """

    version: int
    state: KeyState
    created_at: int
    wrapped: bytes
    public_jwk: dict[str, str] | None = None
    since: int = 0
    longest: int = 0


class Key(Struct, frozen=True, kw_only=True):
    """One opened version. `secret` is 32 random bytes, or PKCS#8 DER of a P-256 key for purpose `signing`."""

    version: int
    secret: bytes
    kid: str = ""


class Keyset(Struct, frozen=True, kw_only=True):
    """All opened versions of one purpose; `current` seals, signs and issues, the others only open and verify."""

    purpose: Purpose
    current: Key
    versions: dict[int, Key]
