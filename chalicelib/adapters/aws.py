"""One way to AWS: `call(operation, payload)`; what stands behind it can be exchanged."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from chalicelib.ports import StoreUnavailable

TRIES = 3
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
        "DependencyTimeoutException",
        "500",
        "503",
    }
)


def call_with_repeats(transport: Transport, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """At most three tries of the very same bytes; a repeat meets its own write by `written_by`.

    Raises AwsRefusal for what a repeat cannot change, StoreUnavailable when every try failed.
    """
    for _ in range(TRIES):
        try:
            return transport.call(operation, payload)
        except AwsRefusal as refusal:
            if refusal.code not in REPEATABLE:
                raise
        except AwsUnreachable:
            continue
    raise StoreUnavailable(operation)
