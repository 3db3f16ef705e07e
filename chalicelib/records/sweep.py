"""How far the look at all connections has come."""

from msgspec import Struct


class Sweep(Struct, frozen=True, kw_only=True):
    """One item: who works on it moves `due_at` on first, so that there is one at a time.

    due_at   when the look begins, or goes on
    cursor   the key in the index by subject after which it goes on: sub, pk, sk; empty: from the beginning
    """

    due_at: int = 0
    cursor: tuple[str, ...] = ()


class Page(Struct, frozen=True, kw_only=True):
    """One page of connections: subject -> ids of connections; `cursor` empty: it was the last one."""

    connections: dict[str, list[str]]
    cursor: tuple[str, ...] = ()
