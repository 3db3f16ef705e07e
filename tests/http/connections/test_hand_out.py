"""The hand-out of a provider's access token (RFC 8693): who may have it, with what, and that it is on record first."""

import hashlib
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.records.item_keys import connection_item_key
from tests.kit.http.browser import request
from tests.kit.http.proxied import notes_of
from tests.kit.http.stack import EXCHANGE, SignIn, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, change, count_calls, read, refusal, start_session
from tests.kit.requirement import requirement

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@pytest.fixture
def session(stack: Stack) -> Session:
    """Alice at a public client that may have tokens."""
    return start_session(stack)


@requirement("VLT-01", "VLT-02")
def test_the_answer_is_the_providers_access_token_as_it_really_is(stack: Stack, session: Session) -> None:
    answer = session.exchange()
    told = answer.json
    assert notes_of(stack, told["access_token"]) == "alice"
    assert told["scope"] == "email notes:read openid profile" and 0 < told["expires_in"] <= 120
    assert told["token_type"] == "Bearer" and told["issued_token_type"].endswith("access_token")
    assert told["connection_id"] == session.claims["connections"]["demo"]
    assert "refresh_token" not in told and answer.header("cache-control") == "no-store"
    by_id = session.exchange(audience=told["connection_id"]).json
    assert by_id["access_token"] == told["access_token"]


@requirement("VLT-05")
def test_each_hand_out_is_on_record_before_it_is_answered(stack: Stack, session: Session) -> None:
    before = count_calls(stack)
    token = session.exchange().json["access_token"]
    assert [operation for operation, _ in stack.dynamodb.calls[before:]] == ["BatchGetItem", "PutItem"]
    for _ in range(3):
        session.exchange()
    session.exchange(scope="notes:write")
    records = audits(stack)
    assert len(records) == 4
    record = records[0]
    assert record["token_id"]["S"] == hashlib.sha256(token.encode()).hexdigest()
    assert record["connection_id"]["S"] == session.claims["connections"]["demo"]
    assert (record["pk"]["S"], record["client_id"]["S"]) == (f"AUDIT#{session.claims['sub']}", session.client.client_id)
    assert record["scopes"]["SS"] == ["email", "notes:read", "openid", "profile"]
    assert token not in str(records) + stack.log.getvalue()


@requirement("XCH-01")
@pytest.mark.parametrize(("handout", "error"), [("none", "unauthorized_client"), ("proxy", "invalid_target")])
def test_only_clients_registered_for_it_get_a_hand_out(stack: Stack, handout: str, error: str) -> None:
    session = start_session(stack, handout=handout)
    before = count_calls(stack)
    answer = session.exchange()
    assert refusal(answer) == (400, error) and count_calls(stack) == before
    assert answer.json.get("reason") == (None if handout == "none" else "proxy_only")


@requirement("XCH-01")
def test_without_the_grant_type_or_the_scope_there_is_no_hand_out(stack: Stack) -> None:
    session = start_session(stack, grant_types=frozenset({"authorization_code"}))
    assert refusal(session.exchange()) == (400, "unauthorized_client")
    client, _ = stack.client()
    sign_in = stack.sign_in(client, scope="openid")
    token = stack.redeem(sign_in).json["access_token"]
    answer = stack.exchange(sign_in, token)
    assert refusal(answer) == (400, "invalid_target") and answer.json["reason"] == "not_connected"


@requirement("XCH-02", "VLT-01")
def test_another_clients_token_is_no_subject_token(stack: Stack, session: Session) -> None:
    for other in (stack.client(), stack.client(**CONFIDENTIAL)):
        thief = SignIn(**{**vars(session.sign_in), "client": other[0], "secret": other[1]})
        assert refusal(stack.exchange(thief, session.access)) == (400, "invalid_request")
    assert audits(stack) == []


@requirement("XCH-02")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ID_TOKEN}, "invalid_request"),
        ({"audience": None}, "invalid_target"),
        ({"audience": "unknown"}, "invalid_target"),
        ({"audience": "github"}, "invalid_target"),
        ({"audience": "dem"}, "invalid_target"),
        ({"audience": "0" * 32}, "invalid_target"),
        ({"resource": "https://api.example"}, "invalid_target"),
        ({"subject_token": None}, "invalid_request"),
        ({"scope": "notes:write"}, "invalid_scope"),
        ({"scope": "demo:notes:write"}, "invalid_scope"),
        ({"scope": "notes"}, "invalid_scope"),
        ({"scope": "github:notes:read"}, "invalid_scope"),
    ],
)
def test_whatever_else_is_asked_is_refused_and_nothing_is_recorded(
    stack: Stack, session: Session, changed: dict[str, str | None], error: str
) -> None:
    assert refusal(session.exchange(**changed)) == (400, error)
    assert audits(stack) == []
    assert session.exchange(scope="demo:notes:read").status == session.exchange(scope="notes:read openid").status == 200


@requirement("XCH-02")
def test_two_audiences_are_refused(stack: Stack, session: Session) -> None:
    form = [
        ("grant_type", EXCHANGE), ("subject_token", session.access), ("audience", "demo"), ("audience", "github"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("client_id", session.client.client_id),
    ]  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = request(stack.netloc, "POST", "/token", body=urlencode(form), headers=headers)
    assert refusal(answer) == (400, "invalid_target")


@requirement("VLT-01")
def test_two_apps_of_one_user_never_reach_each_others_connection(stack: Stack, session: Session) -> None:
    other = start_session(stack)
    assert other.claims["sub"] == session.claims["sub"]
    theirs = other.claims["connections"]["demo"]
    assert theirs != session.claims["connections"]["demo"]
    answers = [session.exchange(audience=audience) for audience in (theirs, "0" * 32)]
    bodies = [{k: v for k, v in answer.json.items() if k != "error_id"} for answer in answers]
    assert refusal(answers[0]) == (400, "invalid_target") and bodies[0] == bodies[1]
    assert session.exchange().json["access_token"] != other.exchange().json["access_token"]


@requirement("VLT-01")
def test_two_users_of_one_app_never_reach_each_others_connection(stack: Stack, session: Session) -> None:
    bob = start_session(stack, who="bob", client=(session.client, None))
    theirs = bob.claims["connections"]["demo"]
    assert refusal(session.exchange(audience=theirs)) == (400, "invalid_target")
    assert notes_of(stack, bob.exchange().json["access_token"]) == "bob"
    assert notes_of(stack, session.exchange().json["access_token"]) == "alice"


@requirement("VLT-01")
@pytest.mark.parametrize("fields", [{"sub": "0" * 32}, {"client_id": "0" * 32}, {"status": "revoked"}])
def test_a_connection_whose_item_says_another_owner_or_an_end_is_not_handed_out(
    stack: Stack, session: Session, fields: dict[str, Any]
) -> None:
    change(stack, session.connection_place(), **fields)
    assert refusal(session.exchange()) == (400, "invalid_target") and audits(stack) == []


@requirement("XCH-03", "VLT-10")
def test_a_narrower_access_token_hands_out_no_more_than_it_says(stack: Stack, session: Session) -> None:
    narrow = session.refresh(scope="openid profile").json["access_token"]
    assert refusal(session.exchange(narrow)) == (400, "invalid_target")
    assert session.exchange().status == 200


@requirement("VLT-10", "VLT-02")
def test_a_smaller_grant_of_the_same_app_gets_nothing_of_a_larger_ones_connection(stack: Stack) -> None:
    scopes = frozenset(["openid", "offline_access", "demo:notes:read", "demo:notes:write"])
    client = stack.client(scopes=scopes)
    both = stack.sign_in(*client, scope=" ".join(sorted(scopes)))
    large = stack.redeem(both).json
    assert "notes:write" in stack.exchange(both, large["access_token"]).json["scope"]
    small = stack.sign_in(*client, scope="openid offline_access demo:notes:read")
    token = stack.redeem(small).json["access_token"]
    answer = stack.exchange(small, token)
    assert refusal(answer) == (400, "invalid_scope") and answer.json["reason"] == "more_than_allowed"
    assert stack.exchange(both, large["access_token"]).status == 200


@requirement("VLT-10")
def test_a_provider_that_grants_more_than_was_allowed_widens_nothing(stack: Stack) -> None:
    stack.provider.faults.more_scopes = frozenset({"notes:write"})
    session = start_session(stack)
    stack.provider.faults.reset()
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_scope") and audits(stack) == []


@requirement("XCH-03")
def test_an_old_provider_token_is_not_handed_out(stack: Stack) -> None:
    stack.provider.faults.drop_refresh_token = True
    session = start_session(stack)
    expires_at = read(stack, session.connection_place()).access_expires_at or 0
    stack.clock.advance(expires_at - stack.clock.now() - 11)
    assert session.exchange().json["expires_in"] == 11
    stack.clock.advance(1)
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_grant") and answer.json["reason"] == "reauth_required"


@requirement("VLT-01")
@pytest.mark.parametrize("status", ["in_doubt", "reauth_required"])
def test_a_connection_that_must_be_renewed_says_so(stack: Stack, session: Session, status: str) -> None:
    change(stack, session.connection_place(), status=status)
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_grant") and answer.json["reason"] == "reauth_required"


@requirement("XCH-02")
def test_a_client_has_nothing_handed_out_for_itself(stack: Stack) -> None:
    grants = frozenset({"client_credentials", EXCHANGE})
    client, secret = stack.client(**CONFIDENTIAL, grant_types=grants)
    token = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    fields = {"subject_token": token, "audience": "demo"}
    kind = "urn:ietf:params:oauth:token-type:access_token"
    answer = stack.token(client, secret, grant_type=EXCHANGE, subject_token_type=kind, **fields)
    assert refusal(answer) == (400, "invalid_request")


@requirement("VLT-01")
def test_a_connection_that_is_gone_reads_like_none(stack: Stack, session: Session) -> None:
    stack.deployment.delete(connection_item_key(session.claims["connections"]["demo"]))
    answer = session.exchange()
    assert refusal(answer) == (400, "invalid_target") and answer.json["reason"] == "not_connected"
