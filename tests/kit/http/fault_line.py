"""The way to the table, on which a fault can be laid for the length of one request; caches stay warm."""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.adapters.aws.transport import AwsUnreachable
from tests.kit.faults import Fault, FaultyTransport, Mode
from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import NO_ANSWER

OUTAGE, HICCUP, DEATH = 3, 1, 1
FAULTS = [
    ("B", OUTAGE),
    ("T", OUTAGE),
    ("B", HICCUP),
    ("T", HICCUP),
    ("A", HICCUP),
    ("A", OUTAGE),
    ("C", DEATH),
    ("K", DEATH),
]


class Line:
    """The way to the table, on which a fault can be laid."""

    def __init__(self) -> None:
        self.stack: Stack | None = None
        self.faulty: FaultyTransport | None = None

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        assert self.stack is not None
        return (self.faulty or self.stack.dynamodb).call(operation, payload)

    def send(self, request: Callable[[], Answer], mode: Any, *, at: int, times: int) -> Answer | None:
        """One request with a fault at its n-th call; None where no answer came."""
        assert self.stack is not None
        self.faulty = FaultyTransport(self.stack.dynamodb, Fault(mode=mode, first=at, times=times))
        try:
            return request()
        except NO_ANSWER:
            return None
        finally:
            assert len(self.faulty.calls) > at, "the request made fewer calls"
            self.faulty = None


class KmsWithout:
    """KMS that answers nothing about one purpose, until it is told to."""

    def __init__(self, stack: Stack, purpose: str) -> None:
        self._stack, self.purpose = stack, purpose

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if payload["EncryptionContext"]["purpose"] == self.purpose:
            raise AwsUnreachable("ReadTimeoutError")
        return self._stack.kms.call(operation, payload)


ONE_TRY, EVERY_TRY = 1, 3


def fail_next(stack: Stack, operation: str, mode: Mode, times: int) -> FaultyTransport:
    """From now on the broker's calls of this operation fail so often; its caches stay warm."""
    faulty = FaultyTransport(stack.dynamodb, Fault(mode=mode, operation=operation, times=times))
    stack.broker.store._transport = faulty  # type: ignore[attr-defined]
    return faulty
