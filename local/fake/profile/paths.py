"""Dotted paths into answers: putting a value where a provider has it."""

from typing import Any


def put(document: dict[str, Any], path: str, value: object) -> None:
    """Set the value at a dotted path. Numbers index lists, which are filled up to that index."""
    steps = path.split(".")
    here: Any = document
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        inner: Any = value if following is None else [] if following.isdigit() else {}
        if isinstance(here, list):
            here.extend({} for _ in range(len(here), int(step) + 1))
            here[int(step)] = inner if following is None or not here[int(step)] else here[int(step)]
            here = here[int(step)]
        elif following is None:
            here[step] = inner
        else:
            here = here.setdefault(step, inner)
