"""Bodies and parameters: what does not decode in exactly one way is refused before anything is looked up."""

import json
from urllib.parse import urlencode

import pytest

from tests.data import read_corpus
from tests.http.edge.page_post import post
from tests.kit.http.browser import FORM
from tests.kit.http.stack import Stack
from tests.kit.http.surface import ENDPOINTS, JSON, Endpoint, raw, read_tables
from tests.kit.registration.corpus_body import body_of
from tests.kit.requirement import requirement

FORMS = [endpoint for endpoint in ENDPOINTS if endpoint.body == "form"]
KIB = 1024

TYPES = [
    "", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded2",
    "x-www-form-urlencoded", "application/x-www-form-urlencoded, application/json", ";", "/", "application/", "\xff",
    "application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=utf-8; charset=utf-16", "application/octet-stream", "image/png",
]  # fmt: skip
BODIES = {
    "percent without digits": b"token=%",
    "percent with one digit": b"token=%4",
    "percent with other letters": b"token=%zz",
    "a percent of a unicode escape": b"token=%u0041",
    "overlong utf-8": b"token=%c0%af",
    "half a utf-8 character": b"token=%e2%82",
    "a surrogate": b"token=%ed%a0%80",
    "latin-1": b"token=\xe9",
    "utf-8 that is not encoded": "token=é".encode(),
    "utf-16": "token=a".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbftoken=a",
    "a nul": b"token=a%00b",
    "a nul in a name": b"to%00ken=a",
    "a nul as it is": b"token=a\x00b",
    "a line break": b"token=a%0ab",
    "a name alone": b"token",
    "json": b'{"token": "a"}',
    "only ampersands": b"&&&",
    "201 fields": b"&".join(b"f%d=1" % number for number in range(201)),
}


@requirement("GEN-03")
def test_a_form_of_another_type_is_refused(stack: Stack) -> None:
    before = read_tables(stack)
    with stack.dynamodb.counted() as calls:
        for endpoint in FORMS:
            for content_type in TYPES:
                answer = post(stack, endpoint.path, b"token=a&client_id=b", content_type)
                assert answer.status == 415, (endpoint.name, content_type)
    assert not calls and read_tables(stack) == before


@requirement("GEN-03")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_form_that_does_not_decode_is_refused(stack: Stack, body: bytes) -> None:
    for endpoint in FORMS:
        if endpoint.path == "/userinfo":
            continue  # it reads its token from the header alone, and says so to any form
        answer = post(stack, endpoint.path, body)
        assert answer.status in ((400, 403) if endpoint.page else (400,)), endpoint.name
        assert endpoint.page or answer.json["error"] == "invalid_request"
    assert "unhandled" not in stack.log.getvalue()


@requirement("GEN-03")
@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=UTF-8", FORM.upper(), FORM + ';charset="utf-8"'])
def test_a_form_of_the_right_type_is_read(stack: Stack, content_type: str) -> None:
    client, _ = stack.client()
    body = urlencode({"token": "x", "client_id": client.client_id}).encode()
    assert post(stack, "/revoke", body, content_type).status == 200


UNREADABLE = [line for line in read_corpus("registration.toml") if line.section == "invalid_request"]


@requirement("GEN-03", "REG-02")
def test_a_document_that_reads_in_two_ways_is_refused(make_stack) -> None:
    stack = make_stack(registration="open")
    before = read_tables(stack)
    with stack.dynamodb.counted() as calls:
        for line in UNREADABLE:
            answer = post(stack, "/register", body_of(line), JSON)
            assert (answer.status, answer.json["error"]) == (400, "invalid_request"), line.says
        assert post(stack, "/register", b"[" * 8000 + b"]" * 8000, JSON).status == 400
        for content_type in (FORM, "text/json", "application/json; charset=latin-1", "application/jwt", ""):
            assert post(stack, "/register", b"{}", content_type).status == 415, content_type
    assert not calls and read_tables(stack) == before


@requirement("GEN-04")
def test_more_than_the_limit_is_not_read(stack: Stack) -> None:
    with stack.dynamodb.counted() as calls:
        for endpoint in ENDPOINTS:
            kind = JSON if endpoint.body == "json" else FORM
            path = endpoint.fill("demo")
            answer = raw(stack.netloc, endpoint.method, path, [("Content-Type", kind)], b"a" * (endpoint.limit + 1))
            assert answer.status == 413, endpoint.name
    assert not calls


@requirement("GEN-04", "REG-02")
def test_a_registration_of_16_kib_is_read_and_no_more(make_stack) -> None:
    stack = make_stack(registration="open")
    document = {"redirect_uris": ["https://a.example/"], "unknown_member": ""}
    document["unknown_member"] = "x" * (16 * KIB - len(json.dumps(document)))
    assert post(stack, "/register", json.dumps(document).encode(), JSON).status == 201
    document["unknown_member"] += "x"
    assert post(stack, "/register", json.dumps(document).encode(), JSON).status == 413


@requirement("GEN-04")
def test_one_parameter_has_4_kib_and_state_2_kib(stack: Stack) -> None:
    client, _ = stack.client()
    with stack.dynamodb.counted() as calls:
        for path in ("/token", "/revoke", "/introspect"):
            body = urlencode({"client_id": client.client_id, "token": "x" * 4097}).encode()
            assert post(stack, path, body).json["error"] == "invalid_request"
        for name, size in (("state", 2049), ("login_hint", 4097), ("unknown", 4097)):
            refused = stack.authorize(stack.authorize_parameters(client, **{name: "x" * size}))
            assert refused.status == 400 and refused.header("location") is None, name
    assert not calls
    longest = stack.authorize(stack.authorize_parameters(client, state="x" * 2048))
    assert longest.status == 200


@requirement("GEN-04")
def test_fifty_one_scopes_are_too_many_and_a_long_header_block_does_not_arrive(stack: Stack) -> None:
    client, _ = stack.client()
    refused = stack.authorize(stack.authorize_parameters(client, scope=" ".join(f"s{n}" for n in range(51))))
    assert refused.answered["error"] == "invalid_scope"
    assert raw(stack.netloc, "GET", "/health", [("X-Long", "x" * 10_300)]).status == 431


@requirement("GEN-04", "GEN-22")
def test_a_posted_request_that_no_url_can_hold_is_refused_and_not_redirected(stack: Stack) -> None:
    """A gateway answers 5xx to headers of more than 10,240 bytes, and could not take the URL either."""
    client, _ = stack.client()
    fields = stack.authorize_parameters(client) | {f"unknown_{n}": "x" * 4000 for n in range(3)}
    answer = post(stack, "/authorize", urlencode(fields).encode())
    assert answer.status in (400, 413) and answer.header("location") is None
    fields = stack.authorize_parameters(client, state="x" * 2048, login_hint="x" * 200)
    answer = post(stack, "/authorize", urlencode(fields).encode())
    assert answer.status == 303 and stack.get(answer.location).status == 200


@requirement("GEN-05")
@pytest.mark.parametrize("name", ["access_token", "client_secret", "code_verifier", "refresh_token", "subject_token"])
def test_no_secret_is_taken_from_a_url_or_put_into_one(stack: Stack, name: str) -> None:
    client, _ = stack.client()
    right = urlencode(stack.authorize_parameters(client)).encode()
    before = read_tables(stack)
    for endpoint in FORMS + [one for one in ENDPOINTS if one.path in ("/register", "/userinfo")]:
        _refused(stack, endpoint, f"{name}=canary-secret", right if endpoint.path == "/authorize" else b"token=a")
    posted = post(stack, "/authorize", right + f"&{name}=canary-secret".encode())
    assert posted.status == 400 and posted.header("location") is None
    assert read_tables(stack) == before
    assert "canary-secret" not in stack.log.getvalue()


def _refused(stack: Stack, endpoint: Endpoint, query: str, body: bytes) -> None:
    headers = [("Content-Type", FORM), ("Origin", stack.settings.issuer)]
    sent = body if endpoint.method == "POST" and endpoint.body == "form" else b""
    answer = raw(stack.netloc, endpoint.method, f"{endpoint.path}?{query}", headers, sent)
    assert answer.status in (400, 401, 403), endpoint.name
    assert answer.header("location") is None and "canary-secret" not in answer.body


@requirement("GEN-02")
def test_empty_counts_as_absent_and_unknown_is_ignored(stack: Stack) -> None:
    client, _ = stack.client()
    sign_in = stack.sign_in(client, resource="", prompt="", login_hint="", unheard_of="1", response_mode="")
    tokens = stack.redeem(sign_in, scope="", resource="", client_secret="", unheard_of="1")
    assert tokens.status == 200
    missing = stack.redeem(sign_in, grant_type="")
    assert missing.json["error"] == "invalid_request"


@requirement("GEN-03")
@pytest.mark.parametrize("state", ["%ff", "%c0%af", "%ed%a0%80", "%00", "%0d%0aLocation:x", "%7f"])
def test_a_query_that_does_not_decode_is_refused(stack: Stack, state: str) -> None:
    client, _ = stack.client()
    query = urlencode(stack.authorize_parameters(client, state=None))
    answer = stack.get(f"/authorize?{query}&state={state}")
    assert answer.status == 400 and answer.header("location") is None
