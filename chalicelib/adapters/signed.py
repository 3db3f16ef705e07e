"""AWS's JSON protocol without botocore: a client reads a model of its whole service and walks it at every call; the
operations that are used here need neither, and a cold start none of its modules."""

import os
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

import msgspec

from chalicelib.adapters.aws import READ_SECONDS, STAND_IN_SECONDS, AwsRefusal, AwsUnreachable, is_stand_in
from chalicelib.adapters.kept import KeptConnections, Unanswered
from chalicelib.adapters.sigv4 import Credentials, Scope, sign

CONNECT_SECONDS = 1
CONNECTIONS = 32
TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "kms": ("TrentService", "1.1"),
    "events": ("AWSEvents", "1.1"),
}


class _Value(TypedDict, total=False):
    """One attribute value of DynamoDB's JSON; read as what it says, its base64 becomes bytes on the way."""

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
# What each member of an answer is made of; members that are not named hold no bytes.
_TYPES: dict[str, Any] = {
    "Attributes": _Item,
    "Item": _Item,
    "Items": list[_Item],
    "LastEvaluatedKey": _Item,
    "Responses": dict[str, list[_Item]],
    "CiphertextBlob": bytes,
    "Plaintext": bytes,
}


class _Ready(NamedTuple):
    """What every call needs; `credentials` says those of now. Raises AwsUnreachable where they cannot be fetched."""

    credentials: Callable[[], Credentials]
    scope: Scope
    host: str
    path: str
    connections: KeptConnections


class SignedTransport:
    """One try of one operation of DynamoDB, KMS or EventBridge, signed, over kept connections."""

    def __init__(self, service: str, *, endpoint_url: str | None = None) -> None:
        self._service = service
        self._target, version = TARGETS[service]
        self._content_type = f"application/x-amz-json-{version}"
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._ready: _Ready | None = None

    def prepare(self) -> None:
        """Make what the first call would wait for; nothing is called."""
        self._get_ready()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Connect 1 s, read 2 s (10 s at a stand-in); no repeats of its own.

        Raises AwsRefusal: AWS answered with an error. Raises AwsUnreachable: no whole answer.
        """
        headers = {"Content-Type": self._content_type, "X-Amz-Target": f"{self._target}.{operation}"}
        body = msgspec.json.encode(payload)
        credentials, scope, host, path, connections = self._get_ready()
        signed = sign(headers, body, host=host, path=path, credentials=credentials(), scope=scope, now=time.time())
        try:
            received = connections.post(body, signed)
        except Unanswered as error:
            raise AwsUnreachable(str(error)) from None
        if received.checksum not in (None, str(zlib.crc32(received.body))):
            raise AwsUnreachable("checksum")
        return _read(received.status, received.body)

    def _get_ready(self) -> _Ready:
        with self._lock:
            if self._ready is None:
                self._ready = self._make()
            return self._ready

    def _make(self) -> _Ready:
        credentials, region = _account()
        url = self._endpoint_url or _endpoint(self._service, region)
        connections = KeptConnections(
            url,
            connect_seconds=CONNECT_SECONDS,
            read_seconds=STAND_IN_SECONDS if is_stand_in(url) else READ_SECONDS,
            most=CONNECTIONS,
        )
        parts = urlsplit(url)
        host = parts.netloc.removesuffix({"https": ":443", "http": ":80"}[parts.scheme])
        return _Ready(credentials, Scope(region, self._service), host, parts.path or "/", connections)


def _endpoint(service: str, region: str) -> str:
    """The regional endpoint, unless the environment names another as it does for every AWS SDK."""
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return named or f"https://{service}.{region}.{suffix}"


def _account() -> tuple[Callable[[], Credentials], str]:
    """Credentials and region: a function's stand in its environment; elsewhere the SDK looks for them, slowly."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not (region and key and secret):
        return _look_for_account(region)
    found = Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN"))
    return lambda: found, region


def _look_for_account(region: str | None) -> tuple[Callable[[], Credentials], str]:
    """As the AWS CLI does: profiles, single sign-on, the machine's own role, all of which renew themselves."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import get_session

    try:
        session = get_session()
        found: Any = session.get_credentials()
        region = region or session.get_config_variable("region")
    except BotoCoreError as error:
        raise AwsUnreachable(type(error).__name__) from None
    if found is None or not region:
        raise AwsUnreachable("no_credentials_or_region")

    def renewed() -> Credentials:
        try:
            now = found.get_frozen_credentials()
            return Credentials(now.access_key, now.secret_key, now.token)
        except BotoCoreError as error:
            raise AwsUnreachable(type(error).__name__) from None

    return renewed, region


def _read(status: int, body: bytes) -> dict[str, Any]:
    """The answer, its blobs as bytes."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body else {}
        document = {name: msgspec.json.decode(raw, type=_TYPES.get(name, Any)) for name, raw in members.items()}
    except (ValueError, RecursionError):
        raise AwsRefusal("500" if status >= 500 else str(status)) from None
    if status == 200:
        return document
    code = str(document.get("__type", "500" if status >= 500 else status)).rpartition("#")[2]
    raise AwsRefusal(code, document.get("Item"))
