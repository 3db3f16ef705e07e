"""AWS's JSON protocol without a botocore client: botocore's signature over the broker's own connections.

A botocore client loads and walks a model of the whole service. The few operations used here do not need it.
"""

import os
import threading
import zlib
from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec

from chalicelib.adapters.aws.connection_pool import ConnectionPool, Unanswered
from chalicelib.adapters.aws.transport import READ_SECONDS, STAND_IN_SECONDS, AwsRefusal, AwsUnreachable, is_stand_in

CONNECT_SECONDS = 1
CONNECTIONS = 32
TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "kms": ("TrentService", "1.1"),
    "events": ("AWSEvents", "1.1"),
}


class _Value(TypedDict, total=False):
    """One attribute value of DynamoDB's JSON. Decoding with this type turns base64 into bytes."""

    S: str
    N: str
    B: bytes
    BOOL: bool
    NULL: bool
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    L: list["_Value"]
    M: dict[str, "_Value"]


_Item = dict[str, _Value]
# The types of response members. Members that are not listed contain no bytes.
_TYPES: dict[str, Any] = {
    "Attributes": _Item,
    "Item": _Item,
    "Items": list[_Item],
    "LastEvaluatedKey": _Item,
    "Responses": dict[str, list[_Item]],
    "CiphertextBlob": bytes,
    "Plaintext": bytes,
}


class SignedTransport:
    """One try of one operation of DynamoDB, KMS or EventBridge, signed by botocore, over persistent connections."""

    def __init__(self, service: str, *, endpoint_url: str | None = None) -> None:
        self._service = service
        self._target, version = TARGETS[service]
        self._content_type = f"application/x-amz-json-{version}"
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._ready: tuple[Any, ConnectionPool, str] | None = None

    def prepare(self) -> None:
        """Do the slow setup before the first call, without any request."""
        self._get_ready()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Timeouts: connect 1 s, read 2 s (10 s for a local test double). No repeats.

        Raises AwsRefusal if AWS responded with an error, AwsUnreachable if no complete response arrived.
        """
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        headers = {"Content-Type": self._content_type, "X-Amz-Target": f"{self._target}.{operation}"}
        body = msgspec.json.encode(payload)
        try:
            signer, connections, url = self._get_ready()
            request = AWSRequest(method="POST", url=url, data=body, headers=headers)
            signer.add_auth(request)
            received = connections.post(body, dict(request.headers.items()))
        except Unanswered as error:
            raise AwsUnreachable(str(error)) from None
        except BotoCoreError as error:  # the credentials must be fetched, which failed
            raise AwsUnreachable(type(error).__name__) from None
        if received.checksum not in (None, str(zlib.crc32(received.body))):
            raise AwsUnreachable("checksum")
        return _read(received.status, received.body)

    def _get_ready(self) -> tuple[Any, ConnectionPool, str]:
        with self._lock:
            if self._ready is None:
                self._ready = self._make()
            return self._ready

    def _make(self) -> tuple[Any, ConnectionPool, str]:
        from botocore.auth import SigV4Auth

        credentials, region = _account()
        url = self._endpoint_url or _endpoint(self._service, region)
        connections = ConnectionPool(
            url,
            connect_seconds=CONNECT_SECONDS,
            read_seconds=STAND_IN_SECONDS if is_stand_in(url) else READ_SECONDS,
            most=CONNECTIONS,
        )
        return SigV4Auth(credentials, self._service, region), connections, url


def _endpoint(service: str, region: str) -> str:
    """The regional endpoint, unless the environment names another one, as for every AWS SDK."""
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return named or f"https://{service}.{region}.{suffix}"


def _account() -> tuple[Any, str]:
    """Credentials and region. A Lambda function has both in its environment; elsewhere the SDK searches for them,
    slowly."""
    from botocore.credentials import EnvProvider

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    found = EnvProvider().load()
    if found is None or region is None:
        from botocore.session import get_session

        session = get_session()
        found, region = found or session.get_credentials(), region or session.get_config_variable("region")
    if found is None or not region:
        raise AwsUnreachable("no_credentials_or_region")
    return found, region


def _read(status: int, body: bytes) -> dict[str, Any]:
    """The response, with its blobs as bytes."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body else {}
        document = {name: msgspec.json.decode(raw, type=_TYPES.get(name, Any)) for name, raw in members.items()}
    except (ValueError, RecursionError):
        raise AwsRefusal("500" if status >= 500 else str(status)) from None
    if status == 200:
        return document
    code = str(document.get("__type", "500" if status >= 500 else status)).rpartition("#")[2]
    raise AwsRefusal(code, document.get("Item"))
