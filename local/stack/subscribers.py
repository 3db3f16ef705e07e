"""Where the local stack can be listened to; as a rule nobody does."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from chalicelib.adapters.aws.transport import Transport
    from local.stack.http1 import Head

Answered = tuple[int, list[tuple[str, str]], bytes]
Answerer = Callable[["Head", bytes, Any], Answered]


class Watch(Protocol):
    """Wraps what answers, calls or is written to; what comes out is what went in."""

    def answers(self, answer: Answerer) -> Answerer:
        """The gateway's answers to the requests that it understood."""

    def transport(self, inner: "Transport") -> "Transport":
        """The broker's calls to DynamoDB or KMS."""

    def log(self, stream: TextIO) -> TextIO:
        """The broker's log."""


class Unwatched:
    """Nobody listens."""

    def answers(self, answer: Answerer) -> Answerer:
        """As it is."""
        return answer

    def transport(self, inner: "Transport") -> "Transport":
        """As it is."""
        return inner

    def log(self, stream: TextIO) -> TextIO:
        """As it is."""
        return stream
