"""One way to AWS: `call(operation, payload)`. botocore's low-level client stands behind it and can be exchanged."""

import threading
from collections.abc import Mapping
from functools import cache
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


_MAKING = threading.Lock()  # a session makes one client at a time


class BotoTransport:
    """botocore's low-level client, made on first use, without retries of its own.

    It is the client that boto3 hands out, without boto3: that would import its file transfers too, at every cold start.
    """

    def __init__(self, service: str, *, endpoint_url: str | None) -> None:
        self._service = service
        self._endpoint_url = endpoint_url
        self._client: Any = None

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try; connect 1 s, read 2 s (10 s at a stand-in)."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = self.client()._make_api_call(operation, payload)
        except ClientError as error:
            response: dict[str, Any] = dict(error.response)
            raise AwsRefusal(response["Error"].get("Code", ""), response.get("Item")) from None
        except BotoCoreError as error:
            raise AwsUnreachable(type(error).__name__) from None
        return answer

    def client(self) -> Any:
        """The client, made once: making one is the most expensive step of a cold start."""
        if self._client is None:
            with _MAKING:
                if self._client is None:
                    from botocore.config import Config

                    config = Config(
                        connect_timeout=1,
                        read_timeout=STAND_IN_SECONDS if _is_stand_in(self._endpoint_url) else READ_SECONDS,
                        retries={"total_max_attempts": 1},
                        max_pool_connections=32,
                    )
                    self._client = _session().create_client(
                        self._service, endpoint_url=self._endpoint_url, config=config
                    )
        return self._client


@cache
def _session() -> Any:
    """One for all clients: each would hold the same endpoints and credentials once more."""
    from botocore.session import get_session

    return get_session()


def _is_stand_in(endpoint_url: str | None) -> bool:
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
