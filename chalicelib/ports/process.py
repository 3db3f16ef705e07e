"""The clock, randomness, waiting, rate limits and shared work of this process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """The one clock."""

    def now(self) -> int:
        """Whole epoch seconds."""


class Entropy(Protocol):
    """The operating system's generator."""

    def token_bytes(self, count: int) -> bytes:
        """Fresh random bytes."""


class Sleeper(Protocol):
    """The one way to wait."""

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""


class Deadline(Protocol):
    """The time that the function has left for this request."""

    def begin(self) -> None:
        """Start the time of a request, in this thread."""

    def left(self) -> float:
        """Seconds left."""


@dataclass(frozen=True)
class Allowed:
    """One more use is within the limit."""


@dataclass(frozen=True)
class OverLimit:
    """One more use exceeds the limit.

    retry_after   seconds to the end of the window
    first         this is the first refusal of the window in any process
    """

    retry_after: int
    first: bool


class Limiter(Protocol):
    """Limits the uses of something per window, over all processes."""

    def spend(self, name: str, *, limit: int, now: int, seconds: int = 60) -> Allowed | OverLimit:
        """Count one use. Raises StoreUnavailable."""


class Flights(Protocol):
    """Runs work that several threads request at the same time once."""

    def share(self, name: str, run: Callable[[], T]) -> T:
        """`run`, or the result or exception of the run that is under way with that name."""

    def waiting(self, name: str) -> int:
        """How many threads share the run that is under way."""
