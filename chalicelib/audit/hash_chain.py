"""Builds and verifies the links of the hash chain over the audit records, from values alone."""

import hashlib
import hmac
from collections.abc import Iterable

from msgspec.structs import replace

from chalicelib.protocol.sealing import canonical
from chalicelib.records.keyset import Keyset
from chalicelib.records.seal import MOST_PRINTS, PRINT_BYTES, AuditSeal


def build_seal(
    digests: Iterable[bytes], *, window: int, previous: AuditSeal | None, keys: Keyset, now: int
) -> AuditSeal:
    """The link over the records of one window.

    digests   SHA-256 of each record, in any order
    previous  the preceding link; None for the first
    """
    ordered = sorted(digests)
    bare = AuditSeal(
        number=previous.number + 1 if previous else 1,
        window=window,
        count=len(ordered),
        root=root_of(ordered),
        prints=b"".join(one[:PRINT_BYTES] for one in ordered) if len(ordered) <= MOST_PRINTS else b"",
        previous=hash_of(previous) if previous else b"",
        sealed_at=now,
        key_version=keys.current.version,
    )
    return replace(bare, mac=_mac(bare, keys.current.secret))


def root_of(digests: Iterable[bytes]) -> bytes:
    """One digest over all records of a window."""
    return hashlib.sha256(b"".join(sorted(digests))).digest()


def hash_of(seal: AuditSeal) -> bytes:
    """The hash of this link, for the next link and for the log."""
    return hashlib.sha256(_content(seal) + seal.mac).digest()


def is_genuine(seal: AuditSeal, keys: Keyset) -> bool:
    """Verify the link's MAC."""
    key = keys.versions.get(seal.key_version)
    return key is not None and hmac.compare_digest(_mac(seal, key.secret), seal.mac)


def _mac(seal: AuditSeal, key: bytes) -> bytes:
    return hmac.new(key, _content(seal), hashlib.sha256).digest()


def _content(seal: AuditSeal) -> bytes:
    numbers = (seal.number, seal.window, seal.count, seal.sealed_at, seal.key_version)
    return canonical("audit seal", *numbers, seal.root, seal.prints, seal.previous)
