"""API Gateway's two translations for a REST API: a request to a proxy event, a function's answer to HTTP.

Shapes: "Input format of a Lambda function for proxy integration" and "Output format ..." in the API Gateway guide.
"""

import base64
import binascii
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from local.stack.http1 import Head
from local.stack.routing import Match

ACCOUNT_ID = "123456789012"
API_ID = "localbroker"
NO_IDENTITY = (
    "cognitoIdentityPoolId",
    "accountId",
    "cognitoIdentityId",
    "caller",
    "principalOrgId",
    "accessKey",
    "cognitoAuthenticationType",
    "cognitoAuthenticationProvider",
    "userArn",
    "user",
)
RENAMED = {"connection", "content-length", "date", "server", "transfer-encoding", "upgrade", "via"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What an event says about where it came in: stage name, the prefix that callers see, scheme, the API's types."""

    stage: str = "api"
    prefix: str = ""
    scheme: str = "http"
    binary_types: tuple[str, ...] = ()


class MalformedAnswer(Exception):
    """The function's answer has not the shape that the gateway demands: callers get a 502."""


def build_event(
    head: Head, body: bytes, match: Match, path: str, *, source: tuple[str, int], edge: Edge
) -> dict[str, Any]:
    """One REST proxy event. `path` is without the stage's prefix, percent-encoded as sent."""
    request_id = str(uuid.uuid4())
    headers = _with_forwarded(head, source, edge)
    query = head.target.partition("?")[2]
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    text, is_base64 = _body(body, head, edge)
    return {
        "resource": match.resource,
        "path": path,
        "httpMethod": head.method,
        "headers": dict(headers),
        "multiValueHeaders": _collect(headers),
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": _collect(pairs) or None,
        "pathParameters": match.parameters or None,
        "stageVariables": None,
        "requestContext": _request_context(head, match, path, request_id, source[0], edge=edge),
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _request_context(
    head: Head, match: Match, path: str, request_id: str, source_ip: str, *, edge: Edge
) -> dict[str, Any]:
    now = time.time()
    host = (head.values("host") or [""])[0]
    agent = next(iter(head.values("user-agent")), None)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "deploymentId": "local",
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": secrets.token_urlsafe(11) + "=",
        "httpMethod": head.method,
        "identity": {**dict.fromkeys(NO_IDENTITY), "sourceIp": source_ip, "userAgent": agent},
        "path": edge.prefix + path,
        "protocol": f"HTTP/1.{head.minor_version}",
        "requestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.resource,
        "stage": edge.stage,
    }


def _with_forwarded(head: Head, source: tuple[str, int], edge: Edge) -> list[tuple[str, str]]:
    """What the caller sent, with the gateway's own word added after (X-Forwarded-For) or instead."""
    own = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"}
    hops = [*head.values("x-forwarded-for"), source[0]]
    kept = [(name, value) for name, value in head.headers if name.lower() not in own and name.lower() != "connection"]
    return [
        *kept,
        ("X-Forwarded-For", ", ".join(hops)),
        ("X-Forwarded-Port", str(source[1])),
        ("X-Forwarded-Proto", edge.scheme),
        ("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"),
    ]


def _collect(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    collected: dict[str, list[str]] = {}
    for name, value in pairs:
        collected.setdefault(name, []).append(value)
    return collected


def _body(body: bytes, head: Head, edge: Edge) -> tuple[str | None, bool]:
    if not body:
        return None, False
    content_type = (head.values("content-type") or ["application/json"])[0].partition(";")[0].strip().lower()
    if "*/*" in edge.binary_types or content_type in edge.binary_types:
        return base64.b64encode(body).decode(), True
    return body.decode("utf-8", "replace"), False


def read_answer(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers in order and body of a function's answer. Raises MalformedAnswer."""
    if not isinstance(answer, Mapping):
        raise MalformedAnswer("not an object")
    status = answer.get("statusCode")
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise MalformedAnswer(f"statusCode {status!r}")
    return status, _read_headers(answer), _read_body(answer)


def _read_headers(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    several = answer.get("multiValueHeaders") or {}
    single = {name: [value] for name, value in (answer.get("headers") or {}).items() if name not in several}
    headers = [(name, _text(value)) for name, values in {**single, **several}.items() for value in values]
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or re.search(r"[\r\n\0]", value):
            raise MalformedAnswer(f"header {name!r}")
    return [(f"x-amzn-Remapped-{name}" if name.lower() in RENAMED else name, value) for name, value in headers]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).encode("utf-8").decode("latin-1")


def _read_body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswer(f"body of type {type(body).__name__}")
    if not answer.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedAnswer("body is not base64") from error
