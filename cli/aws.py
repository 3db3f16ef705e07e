"""The operator's way to AWS: botocore's client, with whatever credentials and region this terminal has."""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from chalicelib.adapters.aws import READ_SECONDS, STAND_IN_SECONDS, AwsRefusal, AwsUnreachable, is_stand_in

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
                        read_timeout=STAND_IN_SECONDS if is_stand_in(self._endpoint_url) else READ_SECONDS,
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
