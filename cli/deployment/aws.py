"""The operator's access to AWS: botocore's client with this terminal's credentials and region."""

import os
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from chalicelib.adapters.aws.transport import (
    READ_SECONDS,
    STAND_IN_SECONDS,
    AwsRefusal,
    AwsUnreachable,
    Transport,
    is_stand_in,
)

# What botocore finds out before it asks AWS anything: no repeat helps, and each has words of its own for the operator.
NOT_SIGNED_IN = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "NoRegionError"),
        *("CredentialRetrievalError", "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
    }
)
_MAKING = threading.Lock()  # a session makes one client at a time


class BotoTransport:
    """botocore's low-level client, made on first use, without retries of its own.

    This is the client that boto3 wraps. boto3 itself would import its file transfers at every cold start.

    ahead   seconds by which AWS's clock was ahead of this terminal's at the last answer
    """

    def __init__(self, service: str, *, endpoint_url: str | None) -> None:
        self._service = service
        self._endpoint_url = endpoint_url
        self._client: Any = None
        self.ahead = 0

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt; connect 1 s, read 2 s (10 s with simulated AWS)."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = self.client()._make_api_call(operation, payload)
        except ClientError as error:
            response: dict[str, Any] = dict(error.response)
            raise AwsRefusal(response["Error"].get("Code", ""), response.get("Item")) from None
        except BotoCoreError as error:
            name = type(error).__name__
            raise AwsRefusal(name) if name in NOT_SIGNED_IN else AwsUnreachable(name) from None
        self.ahead = _seconds_ahead(answer)
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
                    self._client = terminal_session().create_client(
                        self._service, endpoint_url=self._endpoint_url, config=config
                    )
        return self._client


class TableClock:
    """The time according to AWS: a kill switch must also void recent tokens if this terminal's clock is slow."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def now(self) -> int:
        """Whole epoch seconds; before the table has answered anything, this terminal's."""
        return int(time.time()) + getattr(self._transport, "ahead", 0)


def _seconds_ahead(answer: Mapping[str, Any]) -> int:
    """Read the `Date` header, which is in whole seconds and arrives late: a difference of two seconds means nothing."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    ahead = int(parsedate_to_datetime(said).timestamp() - time.time()) if said else 0
    return ahead if abs(ahead) > 2 else 0


@cache
def terminal_session() -> Any:
    """One session for all clients, because each session loads the same endpoints and credentials.

    The region is AWS_REGION, as for the AWS CLI: botocore reads only AWS_DEFAULT_REGION.
    """
    from botocore.session import get_session

    session = get_session()
    if region := os.environ.get("AWS_REGION"):
        session.set_config_variable("region", region)
    return session


def name_caller(endpoint_url: str | None) -> str:
    """The ARN of this terminal's credentials, or the access key's id if AWS cannot be reached.

    sts:GetCallerIdentity needs no permission.
    """
    credentials = terminal_session().get_credentials()
    key_id = str(credentials.get_frozen_credentials().access_key) if credentials else ""
    return _ask_who(key_id, endpoint_url) if key_id else "nobody"


@cache
def _ask_who(key_id: str, endpoint_url: str | None) -> str:
    try:
        return str(BotoTransport("sts", endpoint_url=endpoint_url).call("GetCallerIdentity", {})["Arn"])
    except (AwsRefusal, AwsUnreachable, KeyError):
        return f"access key {key_id}"
