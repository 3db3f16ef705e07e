"""The hash chain over the audit records: one link per ten minutes, even if nothing happened."""

from msgspec import Struct

WINDOW_SECONDS = 600
# A record may arrive late: a clock five minutes slow, the longest request, the lag of the index. The sealing
# process's clock may be five minutes fast.
SETTLE_SECONDS = 900
SHARDS = 8  # of the index, so that no partition takes every hand-out of ten minutes
MOST_PRINTS = 4096
PRINT_BYTES = 8
DIGEST_BYTES = 32
PART_RECORDS = 1000  # of one batch: about a second of work, and far below the largest item size of the table
PART_KEPT_SECONDS = 60 * 86400  # after the window; all parts of one window expire together


class AuditSeal(Struct, frozen=True, kw_only=True):
    """The audit records of one window, summarized when it was sealed.

    number        1, 2, ... without a gap
    window        its first second, epoch; it lasts WINDOW_SECONDS
    count         records in it
    root          SHA-256 over their digests in order
    prints        the first PRINT_BYTES of each digest, in order, to identify a changed record; empty if there are
                  more than MOST_PRINTS
    previous      SHA-256 of the previous link; empty in the first
    sealed_at     epoch seconds
    key_version   of the keyset `audit`
    mac           HMAC-SHA-256 over all other fields
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
    """One batch of a window that needs several: progress, so that the next run does not start over.

    number    1, 2, ... without a gap
    digests   SHA-256 of each of its records, DIGEST_BYTES each
    shard     the next shard of the index to read
    start     JSON of the last key read in that shard; empty: from its start
    """

    number: int
    digests: bytes = b""
    shard: int
    start: bytes = b""

    @property
    def is_last(self) -> bool:
        """Whether this batch ends the window."""
        return self.shard >= SHARDS


def window_of(at: int) -> int:
    """The first second of the window that contains this time."""
    return at - at % WINDOW_SECONDS


def shard_names(window: int) -> tuple[str, ...]:
    """The index keys of one window's records."""
    return tuple(_name(window, shard) for shard in range(SHARDS))


def shard_name(at: int, request_id: str) -> str:
    """The index key of one record; the request id is random and hexadecimal."""
    return _name(window_of(at), int(request_id[:2], 16) % SHARDS)


def _name(window: int, shard: int) -> str:
    return f"AUDIT#{window:012d}#{shard}"
