"""What every simulated provider offers to the program that runs it."""

from collections.abc import Callable
from typing import Protocol

from local.fake.grants import Grants
from local.fake.web import Answer, Received

Told = Callable[[Answer | None], None]


def tell_nobody(received: Received) -> Told:
    """No subscriber: called with each request; the result is called with its response."""
    return lambda answer: None


class Simulation(Protocol):
    """A running provider; `requests` is everything that it received, in order."""

    grants: Grants
    requests: list[Received]

    @property
    def url(self) -> str:
        """Where a browser finds it."""

    @property
    def key_sets(self) -> dict[str, str]:
        """Its issuer, and where its keys are."""

    def locate(self, received: Received) -> str:
        """The URL that a request went to."""

    def watch(self, received: Callable[[Received], Told]) -> None:
        """Tell of every request from now on, and then of its answer."""

    def store(self, save: Callable[[], None]) -> None:
        """Call this before each response from now on."""

    def stop(self) -> None:
        """Close the port."""
