"""Suggests the name that was probably meant."""

import difflib
from collections.abc import Iterable


def suggest(typed: str, names: Iterable[str], otherwise: str) -> str:
    """ "did you mean X?", or the other hint if no name is similar."""
    near = nearest(typed, names)
    return f"did you mean {near}?" if near else otherwise


def nearest(typed: str, names: Iterable[str]) -> str | None:
    """The known name most similar to the typed one; None if none is similar."""
    near = difflib.get_close_matches(typed, sorted(names), n=1, cutoff=0.6)
    return near[0] if near else None
