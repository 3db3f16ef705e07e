"""Progress of the scan over all connections."""

from msgspec import Struct


class Sweep(Struct, frozen=True, kw_only=True):
    """One item. A run first moves `due_at` forward, so that only one runs at a time.

    due_at   when the scan begins or continues
    cursor   the last key read in the index by subject: sub, pk, sk; empty: from the start
    """

    due_at: int = 0
    cursor: tuple[str, ...] = ()


class Page(Struct, frozen=True, kw_only=True):
    """One page of connections: subject -> connection ids. An empty `cursor` means that it is the last page."""

    connections: dict[str, list[str]]
    cursor: tuple[str, ...] = ()
