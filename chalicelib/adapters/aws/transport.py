"""One way to AWS: `call(operation, payload)`; what stands behind it can be exchanged."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from chalicelib.ports import StoreUnavailable

LONGEST_PAUSES = (0.1, 0.4)  # seconds before the second try, and before the third
REPEAT_SECONDS = 4
READ_SECONDS, STAND_IN_SECONDS = 2, 10


class AwsRefusal(Exception):
    """AWS answered with an error: `code` is AWS's name for it, `item` the old image of a refused condition."""

    def __init__(self, code: str, item: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


class AwsUnreachable(Exception):
    """No answer: the call may or may not have taken effect."""


class Transport(Protocol):
    """One try of one operation. Raises AwsRefusal or AwsUnreachable."""

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`operation` in AWS's own spelling, `payload` in the service's own JSON with bytes for binary."""


def is_stand_in(endpoint_url: str | None) -> bool:
    """True for an endpoint on this machine: a stand-in on a busy one may be slower than AWS ever is."""
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
    """When a call that failed is tried again: after any part of the longest pause, each as likely as any other (full
    jitter), so that all who were refused at one moment do not come back at one moment.

    chance   0 to 1;  sleep, now   seconds
    """

    chance: Callable[[], float] = random.SystemRandom().random
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def tries(self) -> Iterator[int]:
        """The first at once; none begins when four seconds have passed since."""
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
    """At most three tries of the very same bytes; a repeat meets its own write by `written_by`.

    Raises AwsRefusal for what a repeat cannot change, StoreUnavailable when every try failed.
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
