"""The name that somebody meant."""

import difflib
from collections.abc import Iterable


def nearest(typed: str, names: Iterable[str]) -> str | None:
    """The name that is most like what was typed; None where none is."""
    near = difflib.get_close_matches(typed, sorted(names), n=1, cutoff=0.6)
    return near[0] if near else None
