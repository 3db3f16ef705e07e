"""AWS's JSON protocol without a client of botocore: its signature and its connections, and nothing between.

A client reads a model of its whole service and walks it at every call; the operations that are used here need neither.
"""

import base64
import json
import os
import threading
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.adapters.aws import READ_SECONDS, STAND_IN_SECONDS, AwsRefusal, AwsUnreachable, is_stand_in

CONNECT_SECONDS = 1
CONNECTIONS = 32
TARGETS = {"dynamodb": ("DynamoDB_20120810", "1.0"), "kms": ("TrentService", "1.1")}
_BLOBS = ("B", "CiphertextBlob", "Plaintext")


class SignedTransport:
    """One try of one operation of DynamoDB or KMS, signed by botocore, over kept connections."""

    def __init__(self, service: str, *, endpoint_url: str | None = None) -> None:
        self._service = service
        self._target, version = TARGETS[service]
        self._content_type = f"application/x-amz-json-{version}"
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._ready: tuple[Any, Any, str] | None = None

    def prepare(self) -> None:
        """Make what the first call would wait for; nothing is called."""
        self._get_ready()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Connect 1 s, read 2 s (10 s at a stand-in); no repeats of its own.

        Raises AwsRefusal: AWS answered with an error. Raises AwsUnreachable: no whole answer.
        """
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        headers = {"Content-Type": self._content_type, "X-Amz-Target": f"{self._target}.{operation}"}
        try:
            signer, session, url = self._get_ready()
            request = AWSRequest(method="POST", url=url, data=msgspec.json.encode(payload), headers=headers)
            signer.add_auth(request)
            response = session.send(request.prepare())
            status, body, said = response.status_code, response.content, response.headers
        except BotoCoreError as error:
            raise AwsUnreachable(type(error).__name__) from None
        if said.get("x-amz-crc32", str(zlib.crc32(body))) != str(zlib.crc32(body)):
            raise AwsUnreachable("checksum")
        return _read(status, body)

    def _get_ready(self) -> tuple[Any, Any, str]:
        with self._lock:
            if self._ready is None:
                self._ready = self._make()
            return self._ready

    def _make(self) -> tuple[Any, Any, str]:
        from botocore.auth import SigV4Auth
        from botocore.httpsession import URLLib3Session

        credentials, region = _account()
        url = self._endpoint_url or _endpoint(self._service, region)
        timeout: Any = (CONNECT_SECONDS, STAND_IN_SECONDS if is_stand_in(url) else READ_SECONDS)
        session = URLLib3Session(timeout=timeout, max_pool_connections=CONNECTIONS)
        return SigV4Auth(credentials, self._service, region), session, url


def _endpoint(service: str, region: str) -> str:
    """The regional endpoint, unless the environment names another as it does for every AWS SDK."""
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return named or f"https://{service}.{region}.{suffix}"


def _account() -> tuple[Any, str]:
    """Credentials and region: a function's stand in its environment; elsewhere the SDK looks for them, slowly."""
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
    """The answer, its blobs as bytes."""
    try:
        document = json.loads(body, object_hook=_with_bytes) if body else {}
    except ValueError:
        document = None
    if status == 200 and isinstance(document, dict):
        return document
    if not isinstance(document, dict):
        raise AwsRefusal("500" if status >= 500 else str(status))
    code = str(document.get("__type", "500" if status >= 500 else status)).rpartition("#")[2]
    raise AwsRefusal(code, document.get("Item"))


def _with_bytes(found: dict[str, Any]) -> dict[str, Any]:
    for name in _BLOBS:
        if isinstance(found.get(name), str):
            found[name] = base64.b64decode(found[name])
    return found
