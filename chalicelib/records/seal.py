"""The chain over the audit records: one link for each ten minutes, whether anything happened in them or not."""

from msgspec import Struct

WINDOW_SECONDS = 600
# A record may come late: a clock that is five minutes slow, the longest request, the index behind the table. The one
# who seals may itself be five minutes fast.
SETTLE_SECONDS = 900
SHARDS = 8  # of the index, so that no part of it takes every hand-out of ten minutes
MOST_PRINTS = 4096
PRINT_BYTES = 8
DIGEST_BYTES = 32
PART_RECORDS = 1000  # of one batch: about a second's work, and far below the largest item of the table
PART_KEPT_SECONDS = 60 * 86400  # after the window; all parts of one window vanish together


class AuditSeal(Struct, frozen=True, kw_only=True):
    """What the audit records of one window were, when it was sealed.

    number        1, 2, ... without a gap
    window        its first second, epoch; it has WINDOW_SECONDS
    count         records in it
    root          SHA-256 over their digests in order
    prints        the first PRINT_BYTES of each digest, in order, so that a record that changed can be named; empty
                  where there are more than MOST_PRINTS
    previous      SHA-256 of the link before; empty in the first
    sealed_at     epoch seconds
    key_version   of the keyset `audit`
    mac           HMAC-SHA-256 over all the others
    """

    number: int
    window: int
    count: int
    root: bytes
    prints: bytes = b""
    previous: bytes = b""
    sealed_at: int
    key_version: int
    mac: bytes = b""


class SealPart(Struct, frozen=True, kw_only=True):
    """One batch of a window that takes more than one: progress, so that the next run need not begin again.

    number    1, 2, ... without a gap
    digests   SHA-256 of each of its records, DIGEST_BYTES each
    shard     which of the index's names comes next
    start     JSON of the key in it after which reading goes on; empty: at its beginning
    """

    number: int
    digests: bytes = b""
    shard: int
    start: bytes = b""

    @property
    def is_last(self) -> bool:
        """Whether the window ends with it."""
        return self.shard >= SHARDS


def window_of(at: int) -> int:
    """The window of a moment, by its first second."""
    return at - at % WINDOW_SECONDS


def shard_names(window: int) -> tuple[str, ...]:
    """Under which names the index lists the records of one window."""
    return tuple(_name(window, shard) for shard in range(SHARDS))


def shard_name(at: int, request_id: str) -> str:
    """Under which of them it lists one record: the id is random and hexadecimal."""
    return _name(window_of(at), int(request_id[:2], 16) % SHARDS)


def _name(window: int, shard: int) -> str:
    return f"AUDIT#{window:012d}#{shard}"
