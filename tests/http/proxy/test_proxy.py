"""Calls through the proxy: who may make which, where they go, and that they are on record first."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.records.client import ProxyRule
from chalicelib.records.item_keys import client_item_key, connection_item_key, grant_item_key
from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit import ROOT
from tests.kit.http.proxied import BASE, HOST, LISTED, STRANGER, Got, Proxied, Told, provider_dir
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.surface import raw
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, change, mark, read, sign, start_session
from tests.kit.requirement import requirement

TRICKS = tomllib.loads((ROOT / "tests" / "data" / "proxy_paths.txt").read_text())["refused"]


@pytest.fixture
def session(proxied: Proxied) -> Session:
    """Alice at a public client that may only call."""
    return start_session(proxied.stack, handout="proxy")


@requirement("VLT-05", "PRX-02")
def test_a_call_is_on_record_and_then_made_with_the_token_that_the_app_never_sees(
    proxied: Proxied, session: Session
) -> None:
    calls = len(proxied.stack.dynamodb.calls)
    proxied.api.answer = lambda asked: pytest.fail("not on record") if not audits(proxied.stack) else Told()
    got = proxied.call(session, "POST", "/proxy/demo/notes/secret-name?q=secret-word", body=b"x")
    (asked,) = proxied.api.asked
    assert (got.status, got.json, got.header("broker-answer")) == (200, {"fine": True}, "provider")
    assert (asked.method, asked.host, asked.target) == ("POST", HOST, "/v1/notes/secret-name?q=secret-word")
    assert proxied.stack.provider.grants.whose(asked.token) is not None
    operations = [operation for operation, _ in proxied.stack.dynamodb.calls[calls:]]
    assert operations == ["BatchGetItem", "PutItem"]
    (record,) = audits(proxied.stack)
    assert (record["event"]["S"], record["method"]["S"]) == ("proxy", "POST base")
    assert record["token_id"]["S"] == hashlib.sha256(asked.token.encode()).hexdigest()
    assert record["connection_id"]["S"] == session.claims["connections"]["demo"]
    assert "secret" not in str(record) + proxied.stack.log.getvalue() and asked.token not in str(record)


@requirement("VLT-05")
def test_what_cannot_be_put_on_record_is_not_called(proxied: Proxied, session: Session) -> None:
    class NoAudit:
        """A store whose audit fails."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def call(self, operation: str, payload: Any) -> Any:
            if operation == "PutItem" and payload["Item"]["pk"]["S"].startswith("AUDIT#"):
                raise ConnectionError
            return self.inner.call(operation, payload)

    proxied.stack.broker = proxied.stack.build(dynamodb=NoAudit(proxied.stack.dynamodb))
    got = proxied.call(session)
    assert got.status >= 500 and proxied.api.asked == []


@requirement("PRX-01")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_with_a_body_of_any_bytes(proxied: Proxied, session: Session, method: str) -> None:
    body = bytes(range(256)) if method not in ("GET", "HEAD") else b""
    kind = {"Content-Type": "application/octet-stream"}
    answer = b"\x00\xff\xfe\r\n" + bytes(range(256)) * 3
    proxied.api.answer = lambda asked: Told(body=answer, headers=(("Content-Type", "image/png"),))
    got = proxied.call(session, method, body=body, headers=kind)
    assert proxied.api.asked[0].method == method and proxied.api.asked[0].body == body
    assert (got.status, got.header("content-type")) == (200, "image/png")
    assert got.body == (b"" if method == "HEAD" else answer)


@requirement("PRX-01")
@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("users/alice%40example.com", "/v1/users/alice%40example.com"),
        ("files/My%20file.txt", "/v1/files/My%20file.txt"),
        ("notes/", "/v1/notes/"),
        ("notes?a=1&b=x%20y&a=2&empty=", "/v1/notes?a=1&a=2&b=x%20y&empty="),
        ("notes?$filter=a%20eq%20'b%26c'&f%5B%5D=1", "/v1/notes?$filter=a%20eq%20%27b%26c%27&f%5B%5D=1"),
        ("notes?next=https://evil.example/", "/v1/notes?next=https://evil.example/"),
        ("notes?text=two%0Alines%2Bplus", "/v1/notes?text=two%0Alines%2Bplus"),
    ],
)
def test_path_and_query_arrive_as_they_were_meant(proxied: Proxied, session: Session, sent: str, arrives: str) -> None:
    assert proxied.call(session, path=f"/proxy/demo/{sent}").status == 200
    assert proxied.api.asked[0].target == arrives


@requirement("PRX-01")
def test_no_trick_of_the_corpus_reads_a_record_or_calls_anybody(proxied: Proxied, session: Session) -> None:
    with proxied.stack.dynamodb.counted() as calls:
        for name, trick in TRICKS.items():
            got = proxied.call(session, path="/proxy/demo/" + quote(trick, safe="%/\\;:@?&=+,$!~*'()\"<>|^`[]{}"))
            query = "?" in trick or "#" in trick
            assert got.status in (400, 403, 404, *((200,) if query else ())), name
            if got.status == 400 and got.body:
                assert got.json["error"] in ("invalid_request", None) or "message" in got.json
    allowed = [one for one in proxied.api.asked if one.target not in ("/v1/users?admin=1", "/v1/users?admin%3D1")]
    assert allowed == [] and sum(calls.values()) <= 4


@requirement("PRX-01")
def test_another_host_is_chosen_by_a_header_and_only_from_the_file(proxied: Proxied, session: Session) -> None:
    assert proxied.call(session, headers={"Broker-Host": LISTED}).status == 200
    assert (proxied.api.asked[0].host, proxied.api.asked[0].target) == (LISTED, "/notes")
    assert audits(proxied.stack)[0]["method"]["S"] == "GET listed"
    assert proxied.call(session, headers={"Broker-Host": HOST}).status == 200
    assert proxied.api.asked[1].target == "/v1/notes"
    for host in (STRANGER, LISTED + ".", LISTED.upper(), f"{LISTED}:443", f"x.{LISTED}", f"{LISTED}/x", f"a@{LISTED}"):
        got = proxied.call(session, headers={"Broker-Host": host})
        assert got.refusal == (400, "invalid_request", None), host
    assert len(proxied.api.asked) == 2 and len(audits(proxied.stack)) == 2


@requirement("VLT-03", "VLT-12")
def test_only_our_own_token_for_us_opens_anything(proxied: Proxied, session: Session) -> None:
    stack = proxied.stack
    theirs = start_session(stack, client=(session.client, None))
    proxied.call(theirs)
    of_provider = proxied.api.asked[0].token
    for token in (
        None, "", "x", of_provider, session.refresh_token, str(session.tokens["id_token"]),
        sign(stack, {**session.claims, "aud": "https://api.team.example"}),
        sign(stack, {**session.claims, "aud": [stack.settings.issuer]}),
        sign(stack, session.claims, typ="JWT"),
        sign(stack, {**session.claims, "cnf": {"x5t#S256": "x"}}),
        sign(stack, {**session.claims, "exp": stack.clock.now() - 1}),
    ):  # fmt: skip
        got = proxied.call(token)
        assert got.refusal == (401, "invalid_token", None), token
        said = "" if not token else ', error="invalid_token"'  # who brings none made no error
        assert (got.header("x-amzn-remapped-www-authenticate") or "").startswith(
            f'Bearer realm="broker"{said}, resource_metadata="'
        )
    assert len(proxied.api.asked) == 1 and len(audits(stack)) == 1


@requirement("VLT-12")
def test_a_token_for_a_resource_server_calls_no_provider(proxied: Proxied) -> None:
    stack, api = proxied.stack, "https://api.team.example"
    create_resource(stack.deployment, Resource(audience=api, scopes=frozenset({"x"}), token_seconds=600))
    session = start_session(stack, handout="proxy", resources=frozenset({api}), scopes=frozenset([*SCOPE.split(), "x"]))
    sign_in = stack.sign_in(session.client, None, resource=api, scope=SCOPE + " x")
    token = stack.redeem(sign_in).json["access_token"]
    assert proxied.call(token).refusal == (401, "invalid_token", None) and proxied.api.asked == []


@requirement("VLT-03", "GEN-05")
def test_our_token_is_never_sent_to_a_provider_wherever_the_app_put_it(proxied: Proxied, session: Session) -> None:
    token = session.access
    for changed in (
        {"path": f"/proxy/demo/notes/{token}"},
        {"path": f"/proxy/demo/notes/x%20%{ord(token[0]):02x}{token[1:]}"},
        {"path": f"/proxy/demo/notes?x={token}"},
        {"path": f"/proxy/demo/notes?x=%{ord(token[0]):02X}{token[1:]}"},
        {"path": "/proxy/demo/notes?access_token=x"},
        {"headers": {"Prefer": token}},
        {"method": "POST", "body": b"{" + token.encode() + b"}"},
    ):
        with proxied.stack.dynamodb.counted() as calls:
            assert proxied.call(session, **changed).status == 400  # type: ignore[arg-type]
        assert not calls
    assert proxied.api.asked == [] and token not in proxied.stack.log.getvalue()


@requirement("XCH-01")
@pytest.mark.parametrize(("handout", "status"), [("none", 403), ("proxy", 200), ("token", 200)])
def test_only_clients_registered_for_it_call(proxied: Proxied, handout: str, status: int) -> None:
    session = start_session(proxied.stack, handout=handout)
    got = proxied.call(session)
    assert got.status == status and len(proxied.api.asked) == (status == 200)
    if status == 403:
        assert got.refusal == (403, "insufficient_scope", "handout_none") and audits(proxied.stack) == []


@requirement("VLT-01")
def test_a_connection_of_another_app_or_user_reads_like_none(proxied: Proxied, session: Session) -> None:
    others = (start_session(proxied.stack, handout="proxy"), start_session(proxied.stack, who="bob", handout="proxy"))
    named = [one.claims["connections"]["demo"] for one in others]
    bodies = []
    for connection_id in (*named, "0" * 32, "dem", "demox"):
        got = proxied.call(session, headers={"Broker-Connection": connection_id})
        assert got.refusal == (404, "invalid_target", "not_connected")
        bodies.append({name: value for name, value in got.json.items() if name != "error_id"})
    assert all(body == bodies[0] for body in bodies) and proxied.api.asked == []
    own = session.claims["connections"]["demo"]
    assert proxied.call(session, headers={"Broker-Connection": own}).status == 200
    assert proxied.call(session, headers={"Broker-Connection": ""}).status == 200


@requirement("VLT-01")
def test_a_connection_belongs_to_the_provider_of_the_path(proxied: Proxied, session: Session) -> None:
    own = session.claims["connections"]["demo"]
    for path in ("/proxy/github/user", "/proxy/unheard-of/user", "/proxy/Demo/user", "/proxy/dem%6f%00/user"):
        for headers in ({}, {"Broker-Connection": own}):
            assert proxied.call(session, path=path, headers=headers).refusal == (404, "invalid_target", "not_connected")
    assert proxied.api.asked == [] and audits(proxied.stack) == []


@requirement("VLT-01")
def test_a_header_that_chooses_may_come_once(proxied: Proxied, session: Session) -> None:
    own = session.claims["connections"]["demo"]
    for name, value in (
        ("Broker-Connection", own),
        ("Broker-Host", HOST),
        ("Authorization", f"Bearer {session.access}"),
    ):
        headers = [("Authorization", f"Bearer {session.access}"), (name, value), (name, value)]
        assert raw(proxied.stack.netloc, "GET", "/proxy/demo/notes", headers).status == 400
    assert proxied.api.asked == []


@requirement("VLT-10", "VLT-02")
def test_a_token_that_says_less_calls_nothing(proxied: Proxied, session: Session) -> None:
    narrow = session.refresh(scope="openid profile").json["access_token"]
    assert proxied.call(narrow).refusal == (404, "invalid_target", "not_connected")
    change(proxied.stack, session.connection_place(), granted=frozenset({"openid", "notes:read", "notes:write"}))
    assert proxied.call(session).refusal == (403, "insufficient_scope", "more_than_allowed")
    assert proxied.api.asked == []


@requirement("VLT-08")
@pytest.mark.parametrize("status", ["reauth_required", "in_doubt"])
def test_a_connection_that_its_user_must_renew_is_a_conflict(proxied: Proxied, session: Session, status: str) -> None:
    change(proxied.stack, session.connection_place(), status=status)
    assert proxied.call(session).refusal == (409, "invalid_grant", "reauth_required")
    assert proxied.api.asked == []


@requirement("VLT-11")
def test_marks_bite_at_the_next_call(proxied: Proxied, session: Session) -> None:
    mark(proxied.stack, session.consent_place())
    assert proxied.call(session).refusal == (401, "invalid_token", None)
    other = start_session(proxied.stack, handout="proxy")
    mark(proxied.stack, client_item_key(other.client.client_id), disabled=True)
    assert proxied.call(other).refusal == (401, "invalid_token", None)
    third = start_session(proxied.stack, handout="proxy")
    change(proxied.stack, connection_item_key(third.claims["connections"]["demo"]), status="revoked")
    assert proxied.call(third).refusal == (404, "invalid_target", "not_connected")
    assert read(proxied.stack, grant_item_key(third.claims["grant_id"])).status == "active" and proxied.api.asked == []


RULES = (
    ProxyRule(provider_id="demo", methods=frozenset({"GET"}), path_prefix="/notes"),
    ProxyRule(provider_id="demo", path_prefix="/drafts/mine"),
    ProxyRule(provider_id="demo", methods=frozenset({"PUT"}), host=LISTED, path_prefix="/up"),
    ProxyRule(provider_id="demo", methods=frozenset({"HEAD"}), path_prefix="/sizes"),
    ProxyRule(provider_id="github"),
)


@requirement("PRX-01")
@pytest.mark.parametrize(
    ("method", "path", "host", "allowed"),
    [
        ("GET", "notes", None, True),
        ("GET", "notes/1/lines", None, True),
        ("GET", "notes/", None, True),
        ("HEAD", "notes", None, True),
        ("HEAD", "sizes", None, True),
        ("GET", "sizes", None, False),
        ("GET", "%6eotes", None, True),
        ("POST", "notes", None, False),
        ("DELETE", "notes/1", None, False),
        ("GET", "notes2", None, False),
        ("GET", "Notes", None, False),
        ("GET", "notes%3Bx", None, False),
        ("GET", "drafts", None, False),
        ("GET", "drafts/mineral", None, False),
        ("DELETE", "drafts/mine/1", None, True),
        ("PUT", "up/1", LISTED, True),
        ("PUT", "up/1", None, False),
        ("GET", "notes", LISTED, False),
    ],
)
def test_rules_of_a_client_only_narrow(
    proxied: Proxied, method: str, path: str, host: str | None, allowed: bool
) -> None:
    session = start_session(proxied.stack, handout="proxy", proxy_rules=RULES)
    got = proxied.call(session, method, f"/proxy/demo/{path}", headers={"Broker-Host": host} if host else {})
    assert got.status == (200 if allowed else 403) and len(proxied.api.asked) == len(audits(proxied.stack)) == allowed
    if not allowed and method != "HEAD":
        assert got.refusal == (403, "insufficient_scope", "call_not_allowed")


@requirement("PRX-01")
def test_a_rule_may_hold_for_the_grants_that_hold_a_scope(proxied: Proxied) -> None:
    """One app, two grants: what the user allowed decides which calls the app may make."""
    rules = (
        ProxyRule(provider_id="demo", methods=frozenset({"GET"})),
        ProxyRule(provider_id="demo", scope="notes:write"),
    )
    scopes = frozenset([*SCOPE.split(), "demo:notes:write"])
    reads = start_session(proxied.stack, handout="proxy", scopes=scopes, proxy_rules=rules)
    kind = {"Content-Type": "application/json"}
    assert proxied.call(reads).status == 200
    refused = proxied.call(reads, "POST", body=b"{}", headers=kind)
    assert refused.refusal == (403, "insufficient_scope", "call_not_allowed") and len(proxied.api.asked) == 1
    sign_in = proxied.stack.sign_in(reads.client, None, scope=SCOPE + " demo:notes:write")
    writes = proxied.stack.redeem(sign_in).json["access_token"]
    assert proxied.call(writes, "POST", body=b"{}", headers=kind).status == 200


@requirement("PRX-01")
def test_a_provider_without_an_api_is_not_called(tmp_path: Path, make_stack) -> None:
    other = make_stack(provider_dirs=(provider_dir(tmp_path, ""),))
    session = start_session(other, handout="proxy")
    assert Proxied(other).call(session).refusal == (404, "invalid_target", "no_api")
    assert audits(other) == []


@requirement("PRX-02")
def test_a_provider_behind_the_issuer_is_called_there(stack: Stack) -> None:
    """The demo provider's own API: read and written through the proxy."""
    session = start_session(stack, handout="proxy", scopes=frozenset([*SCOPE.split(), "demo:notes:write"]))
    sign_in = stack.sign_in(session.client, None, scope=SCOPE + " demo:notes:write")
    token = stack.redeem(sign_in).json["access_token"]
    got = Proxied(stack).call(token)
    assert (got.status, got.json["owner"]) == (200, "alice")
    kind = {"Content-Type": "application/json"}
    posted = Proxied(stack).call(token, "POST", body='{"text": "Größe"}'.encode(), headers=kind)
    assert posted.json["notes"][-1]["text"] == "Größe"
    assert BASE not in str(stack.provider.requests[-1])


@requirement("GEN-19")
def test_a_page_of_any_origin_may_call_and_read_what_it_needs(proxied: Proxied, session: Session) -> None:
    wish = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
    asks = {**wish, "Access-Control-Request-Headers": "authorization,broker-connection,idempotency-key,if-match"}
    got = proxied.call(None, "OPTIONS", headers=asks)
    assert (got.status, got.header("access-control-allow-origin")) == (204, "*")
    assert set(_words(got, "access-control-allow-methods")) == {"get", "head", "post", "put", "patch", "delete"}
    sendable = _words(got, "access-control-allow-headers")
    assert {"authorization", "broker-connection", "broker-host", "idempotency-key", "if-match"} <= set(sendable)
    assert got.header("access-control-allow-credentials") is None and proxied.api.asked == []
    answered = proxied.call(session, headers={"Origin": "https://app.example"})
    assert answered.header("access-control-allow-origin") == "*"
    assert {"broker-answer", "etag", "link", "retry-after"} <= set(_words(answered, "access-control-expose-headers"))


def _words(got: Got, name: str) -> list[str]:
    return [word.strip().lower() for word in (got.header(name) or "").split(",")]


@requirement("VLT-06")
def test_calls_count_as_hand_outs_do(proxied: Proxied) -> None:
    proxied.stack.restart(handouts_per_user=3)
    session = start_session(proxied.stack, **CONFIDENTIAL)
    statuses = [proxied.call(session).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429] and len(proxied.api.asked) == 3
    got = proxied.call(session)
    assert got.refusal == (429, "slow_down", "handout_limit") and int(got.header("retry-after") or 0) > 0
