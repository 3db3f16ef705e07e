"""What goes out to a provider's API and what comes back: headers by list, no redirect, limits, and never the token."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.encryption import encryption_context_of, open_user_key, seal_value
from chalicelib.records.item_keys import user_key_item_key
from tests.kit.http.proxied import HOST, LISTED, STRANGER, Asked, Proxied, Told
from tests.kit.http.tokens import Session, audits, change, read, start_session
from tests.kit.requirement import requirement

MIB = 1 << 20
EDGE = {
    "access-control-allow-origin", "access-control-expose-headers", "connection", "content-length", "date",
    "x-amzn-requestid", "x-content-type-options",
}  # fmt: skip
OURS = {
    "broker-answer": "provider",
    "cache-control": "no-store",
    "content-disposition": "attachment",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "pragma": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@pytest.fixture
def session(proxied: Proxied) -> Session:
    return start_session(proxied.stack, handout="proxy")


@requirement("PRX-02")
def test_only_listed_headers_go_out_and_the_files_own_win(proxied: Proxied, session: Session) -> None:
    passes = {
        "Accept": "text/plain", "Content-Type": "application/x-thing; a=b", "Content-Language": "de",
        "If-Match": '"1"', "If-None-Match": "*", "If-Modified-Since": "Wed, 21 Oct 2026 07:28:00 GMT",
        "If-Range": '"2"', "Range": "bytes=0-9", "Idempotency-Key": "k-1", "Prefer": "return=minimal",
        "Content-Encoding": "gzip",
    }  # fmt: skip
    stays = {
        "Accept-Language": "de", "X-Demo-Version": "8", "x-demo-app": "mine", "Cookie": "a=b", "Forwarded": "for=x",
        "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9",
        "Proxy-Authorization": "Basic eA==", "X-Api-Key": "k", "X-Http-Method-Override": "DELETE", "Te": "trailers",
        "User-Agent": "app/1", "Origin": "https://app.example", "Referer": "https://app.example/secret", "Via": "1.1 x",
        "Upgrade": "h2c", "Accept-Encoding": "gzip", "Expect": "", "X-Original-Url": "/admin", "Sec-Fetch-Site": "none",
        "Keep-Alive": "timeout=5", "X-Amz-Security-Token": "x",
        "Broker-Connection": session.claims["connections"]["demo"],
    }  # fmt: skip
    assert proxied.call(session, "POST", body=b"x", headers={**passes, **stays}).status == 200
    (asked,) = proxied.api.asked
    assert asked.token.startswith("demo_at_") and asked.token != session.access
    assert asked.headers == {
        **{name.lower(): value for name, value in passes.items()},
        "accept-encoding": "identity", "accept-language": "tlh", "authorization": f"Bearer {asked.token}",
        "connection": "close", "content-length": "1", "host": HOST, "user-agent": "token-broker",
        "x-demo-app": "broker-at-demo", "x-demo-version": "7",
    }  # fmt: skip


@requirement("PRX-02")
def test_a_header_that_no_request_can_carry_is_refused(proxied: Proxied, session: Session) -> None:
    for value in ("é", "x" * 2049):
        assert proxied.call(session, headers={"Prefer": value}).status == 400, value
    assert proxied.api.asked == []
    assert proxied.call(session, headers={"Prefer": ""}).status == 200 and "prefer" not in proxied.api.asked[0].headers


@requirement("PRX-02")
def test_only_listed_headers_come_back_and_a_page_is_harmless(proxied: Proxied, session: Session) -> None:
    passes = {
        "Content-Type": "text/html; charset=utf-8", "ETag": 'W/"1"', "Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT",
        "Content-Language": "de", "Content-Range": "bytes 0-9/10", "Accept-Ranges": "bytes", "Retry-After": "3",
        "RateLimit-Remaining": "7", "X-RateLimit-Reset": "1700000000", "X-Total-Count": "9", "Sunset": "x",
        "Link": f'<https://{HOST}/v1/notes?page=2>; rel="next", <https://{LISTED}/x>; rel="last"',
    }  # fmt: skip
    drops = {
        "Set-Cookie": "a=b", "WWW-Authenticate": 'Basic realm="x"', "Proxy-Authenticate": "Basic", "Location": "/x",
        "Access-Control-Allow-Origin": "https://evil.example", "Access-Control-Allow-Credentials": "true",
        "Content-Security-Policy": "default-src *", "Content-Disposition": "inline", "Cache-Control": "public",
        "Refresh": "0; url=https://evil.example", "Server": "nginx", "X-Powered-By": "x", "Expires": "tomorrow",
        "Clear-Site-Data": '"*"', "Service-Worker-Allowed": "/", "SourceMap": "/x", "Alt-Svc": "h3", "Nel": "{}",
        "Report-To": "{}", "Strict-Transport-Security": "max-age=0", "Broker-Answer": "broker", "Vary": "*",
        "Authentication-Info": "x", "X-Frame-Options": "ALLOWALL", "Connection": "close", "Upgrade": "h2c",
    }  # fmt: skip
    sent = (*passes.items(), *drops.items(), ("Set-Cookie", "c=d"))
    proxied.api.answer = lambda asked: Told(body=b"<script>alert(1)</script>", headers=sent)
    got = proxied.call(session)
    names = {name.lower() for name in passes}
    assert {name for name, _ in got.headers} == names | OURS.keys() | EDGE
    assert {name: got.header(name) for name in names} == {name.lower(): value for name, value in passes.items()}
    assert {name: got.header(name) for name in OURS} == OURS
    assert got.header("access-control-allow-origin") == "*" and got.body == b"<script>alert(1)</script>"


@requirement("PRX-02")
@pytest.mark.parametrize(
    "link",
    [
        f'<https://{STRANGER}/x>; rel="next"',
        f'<https://{HOST}/a>; rel="next", <https://{STRANGER}/b>; rel="last"',
        f'<https://{HOST}/a>; rel="preload"; as="script"',
        f'<https://{HOST}/a.css>; rel="stylesheet"',
        f"<https://{HOST}/a>",
        f'<https://{HOST}@{STRANGER}/a>; rel="next"',
        f'<//{STRANGER}/a>; rel="next"',
        '<javascript:alert(1)>; rel="next"',
        f'https://{HOST}/a; rel="next"',
        f'<https://{HOST}/a>; rel="next"; title="<b>"',
        '<https://[x/a>; rel="next"',
    ],
)
def test_a_link_to_a_stranger_or_of_another_kind_is_dropped(proxied: Proxied, session: Session, link: str) -> None:
    proxied.api.answer = lambda asked: Told(headers=(("Link", link),))
    got = proxied.call(session)
    assert got.status == 200 and got.header("link") is None
    assert got.header("content-type") == "application/octet-stream"


@requirement("PRX-02")
@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_a_providers_status_is_passed_on_and_told_apart_from_ours(
    proxied: Proxied, session: Session, status: int
) -> None:
    proxied.api.answer = lambda asked: Told(status=status, body=b'{"error": "invalid_token"}')
    got = proxied.call(session, "POST")
    assert (got.status, got.header("broker-answer")) == (status, "provider")
    assert got.body == (b"" if status in (204, 304) else b'{"error": "invalid_token"}')
    assert got.header("x-amzn-remapped-www-authenticate") is None


@requirement("PRX-03")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        (f"https://{HOST}/v1/elsewhere-secret", "same_host"),
        ("/v1/relative-secret", "same_host"),
        (f"https://{LISTED}/download?sig=secret", "listed_host"),
        (f"https://{STRANGER}/secret", "other_host"),
        (f"//{STRANGER}/secret", "other_host"),
        (f"https://{HOST}@{STRANGER}/secret", "other_host"),
        ("https://[secret", "other_host"),
        ("", "same_host"),
    ],
)
def test_a_redirect_is_told_by_the_kind_of_its_host_and_followed_by_nobody(
    proxied: Proxied, session: Session, status: int, location: str, target: str
) -> None:
    proxied.api.answer = lambda asked: Told(status=status, headers=(("Location", location),))
    got = proxied.call(session)
    assert got.refusal == (502, "server_error", "redirect") and got.json["target"] == target
    assert len(proxied.api.asked) == 1 and got.header("location") is None
    seen = str(got.headers) + str(got.body) + proxied.stack.log.getvalue()
    assert "secret" not in seen and STRANGER not in seen


@requirement("PRX-02")
def test_a_status_that_is_none_for_a_caller_is_not_passed_on(proxied: Proxied, session: Session) -> None:
    for status in (407, 600, 999):
        proxied.api.answer = lambda asked, status=status: Told(status=status)
        assert proxied.call(session).refusal == (502, "server_error", "status")


@requirement("PRX-04")
def test_four_mebibytes_go_in_and_come_out_and_no_more(proxied: Proxied, session: Session) -> None:
    whole = bytes(range(256)) * (4 * MIB // 256)
    proxied.api.answer = lambda asked: Told(body=whole, headers=(("Content-Type", "image/png"),))
    got = proxied.call(session, "PUT", body=whole)
    assert got.status == 200 and got.body == whole and proxied.api.asked[0].body == whole
    with proxied.stack.dynamodb.counted() as calls:
        assert proxied.call(session, "PUT", body=whole + b"x").refusal == (413, "invalid_request", None)
    assert not calls and len(proxied.api.asked) == 1
    proxied.api.answer = lambda asked: Told(body=whole + b"x")
    assert proxied.call(session, "POST").refusal == (502, "server_error", "answer_too_large")
    assert len(proxied.api.asked) == 2


def endless(handler: Any) -> None:
    """More than was ever agreed, without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    for _ in range(6):
        handler.wfile.write(b"x" * MIB)


def cut(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def bomb(handler: Any) -> None:
    packed = gzip.compress(b"0" * (64 * MIB))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    handler.wfile.write(head.encode() + packed)


def nonsense(handler: Any) -> None:
    handler.wfile.write(b"\x16\x03\x01 nonsense\r\n\r\n")


def long_header(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")


def two_lengths(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\n{}")


def folded(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n Set-Cookie: x=y\r\nContent-Length: 2\r\n\r\n{}")


@requirement("PRX-04")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (endless, "answer_too_large"), (cut, "answer_broken"), (bomb, "answer_broken"), (nonsense, "answer_broken"),
        (long_header, "answer_broken"), (lambda handler: None, "answer_broken"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_told_and_the_call_is_not_repeated(
    proxied: Proxied, session: Session, method: str, behave: Callable[[Any], None], reason: str
) -> None:
    proxied.api.answer = lambda asked: Told(raw=behave)
    assert proxied.call(session, method).refusal == (502, "server_error", reason)
    assert len(proxied.api.asked) == len(audits(proxied.stack)) == 1


@requirement("PRX-02")
@pytest.mark.parametrize("behave", [two_lengths, folded])
def test_an_answer_that_reads_in_two_ways_smuggles_nothing(
    proxied: Proxied, session: Session, behave: Callable[[Any], None]
) -> None:
    proxied.api.answer = lambda asked: Told(raw=behave)
    got = proxied.call(session)
    assert got.status in (200, 502) and got.header("set-cookie") is None and len(got.body) < 400


class Hurry:
    """A function with little time left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = 0.0

    def begin(self) -> None:
        self.end = time.monotonic() + self.seconds

    def left(self) -> float:
        return self.end - time.monotonic()


@requirement("PRX-04")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slow_provider_ends_with_the_functions_time(proxied: Proxied, session: Session, method: str) -> None:
    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    proxied.stack.broker = replace(proxied.stack.broker, deadline=Hurry(2.0))
    proxied.api.answer = lambda asked: Told(raw=drip)
    assert proxied.call(session, method).refusal == (504, "temporarily_unavailable", "timed_out")
    assert len(proxied.api.asked) == 1


@requirement("PRX-04")
def test_a_call_that_could_not_end_in_time_is_not_begun(proxied: Proxied, session: Session) -> None:
    proxied.stack.broker = replace(proxied.stack.broker, deadline=Hurry(1.2))
    assert proxied.call(session, "POST").refusal == (504, "temporarily_unavailable", "not_sent")
    assert proxied.api.asked == [] and audits(proxied.stack) == []


@requirement("PRX-04", "FETCH-01")
def test_a_provider_that_is_not_there_is_told_without_an_address(proxied: Proxied, session: Session) -> None:
    proxied.stack.targets[:] = [one for one in proxied.stack.targets if one.host != HOST]
    proxied.stack.restart()
    got = proxied.call(session, "POST")
    assert got.refusal == (502, "server_error", "not_reached")
    assert HOST not in got.body.decode() and proxied.api.asked == []


@requirement("PRX-02", "VLT-02")
def test_a_provider_that_repeats_the_token_gives_it_to_nobody(
    proxied: Proxied, session: Session, capfd: pytest.CaptureFixture[str]
) -> None:
    """A canary that needs encoding, sent back in every place that an answer has."""
    canary = "canary/T0ken+with=signs~and.more"
    spellings = (canary, quote(canary, safe=""), canary.replace("/", "\\/"))
    _plant(proxied, session, canary)

    def echo(asked: Asked) -> Told:
        assert asked.token == canary
        listed = (
            "Content-Type",
            "ETag",
            "X-Total",
            "Retry-After",
            "Content-Language",
            "RateLimit",
            "Preference-Applied",
        )
        more = ("X-Echo", "Set-Cookie", "Location", "Authorization", "WWW-Authenticate")
        sent = [(name, f"x {spelling}") for name in (*listed, *more) for spelling in spellings[:2]]
        sent.append(("Link", f'<https://{HOST}/v1?access_token={spellings[1]}>; rel="next"'))
        body = json.dumps({"headers": asked.headers, "next": f"https://{HOST}/v1?access_token={spellings[1]}"})
        return Told(status=status, body=body.encode() + spellings[2].encode(), headers=tuple(sent))

    for status in (200, 401, 302, 500):
        for method in ("GET", "POST", "HEAD"):
            got = proxied.call(session, method, headers={"Prefer": "return=minimal"})
            seen = str(got.headers) + got.body.decode()
            proxied.api.answer = echo
            got = proxied.call(session, method)
            seen += str(got.headers) + got.body.decode()
            assert not any(one in seen for one in spellings), (status, method)
            if status == 200 and method == "GET":
                assert json.loads(got.body[: got.body.rindex(b"}") + 1])["headers"]["host"] == HOST
            proxied.api.answer = lambda asked: Told()
    output = capfd.readouterr()
    written = proxied.stack.log.getvalue() + output.out + output.err + str(audits(proxied.stack))
    assert not any(one in written for one in spellings)


def _plant(proxied: Proxied, session: Session, token: str) -> None:
    """The provider's access token of this connection reads like this from now on."""
    stack, place = proxied.stack, session.connection_place()
    connection = read(stack, place)
    sealed = read(stack, user_key_item_key(connection.sub))
    key = open_user_key(stack.broker.keys.get("vault"), sealed.sealed, sub=connection.sub)
    value = seal_value(key, token.encode(), "access_token", place=encryption_context_of(connection), salt=b"s" * 32)
    change(stack, place, sealed_access_token=value)
