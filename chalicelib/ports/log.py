"""The structured log."""

from typing import Protocol


class Log(Protocol):
    """Structured lines, redacted in one place."""

    def event(self, name: str, **fields: object) -> None:
        """Write one line. `fields` must not contain a secret, and the redactor removes values that look like one."""

    def begin(self, **known: str) -> None:
        """Start a request in this thread; `known` is in each of its lines."""

    def count(self, metric: str) -> None:
        """Add one to a counter of this thread's request."""

    def conclude(self, name: str, *, status: int, **fields: object) -> None:
        """Write the final line of a request: result, duration and counters."""

    def summarize(self, name: str, **fields: object) -> None:
        """Write the result of scheduled work and its counters; nothing if all counters are zero."""
