"""Parses the gateway's event into a Request: keeps every value, and refuses malformed input before it is used.

API Gateway has decoded the query; the body and the path are decoded here, once (GEN-01, GEN-03, GEN-04, GEN-09).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NoReturn
from urllib.parse import parse_qsl, unquote

from chalicelib.protocol.ascii_text import lower, trim
from chalicelib.protocol.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from chalicelib.protocol.log_redaction import redact
from chalicelib.protocol.request import Request
from chalicelib.protocol.surrogates import check_letters
from chalicelib.routes.cookie_header import parse_cookies

Reads = Literal["nothing", "form", "json", "bytes"]
BODY_BYTES: dict[Reads, int] = {"nothing": 65536, "form": 65536, "json": 16384, "bytes": 4 * 1024 * 1024}
ONCE = ("authorization", "broker-bff", "broker-connection", "broker-host", "content-type", "dpop", "host", "origin")
_TRACE = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_request(
    event: Mapping[str, Any], body: bytes, reads: Reads, *, request_id: str, cookie_prefix: str
) -> Request:
    """Parse one request.

    event           API Gateway's REST proxy event
    request_id      the error id of a refusal
    cookie_prefix   of the broker's cookie names

    Raises InvalidRequest, RequestTooLarge, UnsupportedMediaType.
    """
    headers = _read_headers(event)
    if len(body) > BODY_BYTES[reads]:
        raise RequestTooLarge("body_too_large")
    context = event.get("requestContext") or {}
    return Request(
        method=event.get("httpMethod") or context.get("httpMethod") or "",
        query=_read_query(event),
        form=_read_form(headers, body) if reads == "form" else (),
        json=_read_json(headers, body) if reads == "json" else None,
        body=body if reads == "bytes" else b"",
        rest=(event.get("pathParameters") or {}).get("path", ""),
        headers=headers,
        path={name: unquote(value) for name, value in (event.get("pathParameters") or {}).items()},
        cookies=parse_cookies(headers.get("cookie", ()), prefix=cookie_prefix),
        source_ip=(context.get("identity") or {}).get("sourceIp", ""),
        request_id=request_id,
        endpoint=name_endpoint(event),
    )


def name_endpoint(event: Mapping[str, Any]) -> str:
    """Method and path as registered: `GET /callback/{provider_id}`."""
    context = event.get("requestContext") or {}
    method, path = event.get("httpMethod") or context.get("httpMethod"), context.get("resourcePath")
    return f"{method} {path or event.get('resource')}"


def read_trace(event: Mapping[str, Any]) -> str | None:
    """The X-Ray id of the request, or None. The caller can choose it, so only a well-formed id is read."""
    sent = next((v for name, v in (event.get("headers") or {}).items() if lower(name) == "x-amzn-trace-id"), "")
    found = _TRACE.search(sent or "")
    return found.group(1) if found else None


def _read_headers(event: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The headers, in lower case. A header that one parser would read once and another twice is refused."""
    sent = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    if len({lower(name).replace("_", "-") for name in sent}) != len(sent):
        raise InvalidRequest("header_name_ambiguous")
    headers = {lower(name): tuple(values) for name, values in sent.items()}
    if any(len(headers.get(name, ())) > 1 for name in ONCE):
        raise InvalidRequest("header_repeated")
    return headers


def _read_query(event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = event.get("multiValueQueryStringParameters") or {}
    return tuple((name, value) for name, values in pairs.items() for value in values)


def _read_form(headers: Mapping[str, tuple[str, ...]], body: bytes) -> tuple[tuple[str, str], ...]:
    if not body:
        return ()
    if _media_type(headers) != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("content_type_not_form").noting(
            **_told(headers, "application/x-www-form-urlencoded")
        )
    try:
        text = body.decode("ascii")
        if _PERCENT.search(text):
            raise InvalidRequest("percent_encoding_broken")
        return tuple(parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=200))
    except ValueError:
        raise InvalidRequest("form_malformed") from None


def _told(headers: Mapping[str, tuple[str, ...]], expected: str) -> dict[str, str]:
    (sent,) = headers.get("content-type") or ("none",)
    return {"expected": expected, "received": redact(sent.partition(";")[0], (expected,)) or "none"}


def _read_json(headers: Mapping[str, tuple[str, ...]], body: bytes) -> object:
    if not body:
        return None
    if _media_type(headers) != "application/json":
        raise UnsupportedMediaType("content_type_not_json").noting(**_told(headers, "application/json"))
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        check_letters(document)
        return document
    except (ValueError, RecursionError):
        raise InvalidRequest("json_malformed") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with two keys that another parser could read as the same, in any case."""
    if len({name.casefold() for name, _ in pairs}) != len(pairs) or any("\x00" in name for name, _ in pairs):
        raise ValueError("ambiguous keys")
    return dict(pairs)


def _refuse(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python accepts and JSON does not (RFC 8259 section 6)."""
    raise ValueError("no JSON number")


def _media_type(headers: Mapping[str, tuple[str, ...]]) -> str:
    """The type without parameters; "" for a charset other than UTF-8, which is not supported."""
    value = lower((headers.get("content-type") or ("",))[0])
    media_type, _, parameters = value.partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    return trim(media_type) if charset in ("", "charset=utf-8") else ""
