"""The interface to AWS: `call(operation, payload)`. Its implementation can be exchanged."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from chalicelib.ports import StoreUnavailable

LONGEST_PAUSES = (0.1, 0.4)  # seconds, before the second try and before the third
REPEAT_SECONDS = 4
READ_SECONDS, STAND_IN_SECONDS = 2, 10


class AwsRefusal(Exception):
    """AWS responded with an error. `code` is AWS's error name, `item` the old item of a refused condition."""

    def __init__(self, code: str, item: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


class AwsUnreachable(Exception):
    """No response: the call may or may not have taken effect."""


class Transport(Protocol):
    """One try of one operation. Raises AwsRefusal or AwsUnreachable."""

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`operation` is AWS's name for it. `payload` is the service's own JSON, with bytes for binary values."""


def is_stand_in(endpoint_url: str | None) -> bool:
    """True for an endpoint on this machine: a local test double can be slower than AWS."""
    host = urlsplit(endpoint_url or "").hostname or ""
    return host == "localhost" or host.startswith("127.")


REPEATABLE = frozenset(
    {
        "InternalServerError",
        "InternalServerErrorException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "KMSInternalException",
        "KeyUnavailableException",
        "DependencyTimeoutException",
        "500",
        "503",
    }
)


@dataclass(frozen=True)
class Pacing:
    """When a failed call is repeated: after a random part of the longest pause (full jitter).

    So callers that failed at the same moment do not repeat at the same moment.

    chance       returns 0 to 1
    sleep, now   in seconds
    """

    chance: Callable[[], float] = random.SystemRandom().random
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def tries(self) -> Iterator[int]:
        """The first try is immediate; none starts later than four seconds after it."""
        end = self.now() + REPEAT_SECONDS
        yield 1
        for number, longest in enumerate(LONGEST_PAUSES, 2):
            pause = longest * self.chance()
            if self.now() + pause >= end:
                return
            self.sleep(pause)
            yield number


PACING = Pacing()


def call_with_repeats(
    transport: Transport, operation: str, payload: Mapping[str, Any], pacing: Pacing = PACING
) -> dict[str, Any]:
    """At most three tries of the same bytes. A repeat recognizes its own write by `written_by`.

    Raises AwsRefusal for errors that a repeat cannot change, StoreUnavailable if every try failed.
    """
    for _ in pacing.tries():
        try:
            return transport.call(operation, payload)
        except AwsRefusal as refusal:
            if refusal.code not in REPEATABLE:
                raise
        except AwsUnreachable:
            continue
    raise StoreUnavailable(operation)
