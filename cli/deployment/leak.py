"""One leak and how it is printed."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct


class Exposure(Struct, frozen=True, kw_only=True):
    """One leak.

    leak    the kind; `of`: which one
    gives   what its holder can do with it alone
    with_more   what it gives together with something else, named in each sentence
    lasts   how long, and what ends it sooner
    """

    leak: str
    of: str
    gives: tuple[str, ...] = ()
    with_more: tuple[str, ...] = ()
    lasts: str


def say(exposures: Iterable[Exposure]) -> str:
    """For people."""
    lines = list[str]()
    for one in exposures:
        lines += [f"{one.leak}: {one.of}"]
        lines += [f"    gives      {what}" for what in one.gives or ("nothing alone",)]
        lines += [f"    {what}" for what in one.with_more]
        lines += [f"    lasts      {one.lasts}", ""]
    return "\n".join(lines).rstrip()


def as_rows(exposures: Iterable[Exposure]) -> list[dict[str, Any]]:
    """For programs."""
    return [
        {"leak": one.leak, "of": one.of, "gives": list(one.gives), "with": list(one.with_more), "lasts": one.lasts}
        for one in exposures
    ]


def span(seconds: int) -> str:
    """Seconds, in the largest unit that fits."""
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds // unit} {name if seconds != unit else name[:-1]}"
    return f"{seconds} seconds"
