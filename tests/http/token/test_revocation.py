"""Revoking: by its own client alone, never a success that did not happen, and felt at the next request (RFC 7009)."""

import pytest

from chalicelib.records.item_keys import revoked_token_item_key
from tests.kit.http.browser import FORM, request
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, count_calls, read, refusal, respell, sign, start_session
from tests.kit.requirement import requirement


@pytest.fixture
def session(stack: Stack) -> Session:
    """A signed-in confidential client."""
    return start_session(stack, **CONFIDENTIAL)


def revoke(session: Session, token: str, **more: str) -> tuple[int, str]:
    answer = session.stack.post("/revoke", session.client, session.sign_in.secret, token=token, **more)
    return answer.status, answer.body


@requirement("REV-03", "CODE-02")
def test_a_revoked_refresh_token_takes_everything_with_it_at_once(stack: Stack, session: Session) -> None:
    assert revoke(session, session.refresh_token) == (200, "{}")
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert refusal(session.exchange()) == (400, "invalid_request")
    api = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    assert stack.post("/introspect", *api, token=session.access).json == {"active": False}


@requirement("REV-03")
def test_a_revoked_access_token_ends_alone(stack: Stack, session: Session) -> None:
    second = session.refresh().json
    assert revoke(session, session.access, token_type_hint="access_token") == (200, "{}")
    assert session.userinfo().status == 401 and session.exchange().status == 400
    assert stack.userinfo(second["access_token"]).status == 200
    kept = read(stack, revoked_token_item_key(session.claims["jti"]))
    assert kept.expires_at == session.claims["exp"]


@requirement("REV-01")
def test_another_clients_tokens_are_neither_touched_nor_disclosed(stack: Stack, session: Session) -> None:
    others = [stack.client(), stack.client(**CONFIDENTIAL)]
    for client, secret in others:
        for token in (session.refresh_token, session.access, "unknown"):
            answer = stack.post("/revoke", client, secret, token=token)
            assert (answer.status, answer.body) == (200, "{}")
    assert session.userinfo().status == 200 and session.refresh().status == 200


@requirement("REV-01")
def test_whoever_is_not_authenticated_revokes_nothing(stack: Stack, session: Session) -> None:
    form = f"token={session.refresh_token}"
    for body in (form, f"{form}&client_id={session.client.client_id}"):
        answer = request(stack.netloc, "POST", "/revoke", body=body, headers={"Content-Type": FORM})
        assert refusal(answer) == (401, "invalid_client")
    wrong = stack.post("/revoke", session.client, "0" * 64, token=session.refresh_token)
    assert refusal(wrong) == (401, "invalid_client")
    assert session.refresh().status == 200


@requirement("REV-02")
@pytest.mark.parametrize("token", ["unknown", "tb_refresh_AAAA", "a.b.c", "é", "x" * 4000])
def test_an_unknown_token_answers_200_and_reads_nothing(stack: Stack, session: Session, token: str) -> None:
    before = count_calls(stack)
    assert revoke(session, token) == (200, "{}")
    assert count_calls(stack) == before


@requirement("REV-02")
def test_a_code_is_no_token_and_a_missing_token_is_said(stack: Stack, session: Session) -> None:
    second = stack.sign_in(session.client, session.sign_in.secret)
    answer = stack.post("/revoke", session.client, session.sign_in.secret, token=second.code)
    assert refusal(answer) == (400, "unsupported_token_type")
    missing = stack.post("/revoke", session.client, session.sign_in.secret)
    assert refusal(missing) == (400, "invalid_request")
    assert stack.redeem(second).status == 200


@requirement("REV-01")
def test_a_handle_that_the_table_does_not_know_ends_nothing(stack: Stack) -> None:
    """Grant ids stand in access tokens: with a leaked handle key alone nobody may end a public client's grants."""
    session = start_session(stack)
    forged = respell(stack, session.refresh_token, "refresh", secret=b"x" * 16)
    assert stack.post("/revoke", session.client, token=forged).json == {}
    assert session.refresh().status == 200


@requirement("REV-03")
def test_a_token_of_a_passed_generation_ends_its_grant_and_twice_is_once(stack: Stack, session: Session) -> None:
    second = session.refresh().json["refresh_token"]
    assert revoke(session, session.refresh_token) == revoke(session, session.refresh_token) == (200, "{}")
    assert session.refresh(second).status == 400


@requirement("REV-02")
def test_an_expired_access_token_and_one_of_another_issuer_answer_200_and_write_nothing(
    stack: Stack, session: Session
) -> None:
    before = count_calls(stack)
    foreign = sign(stack, {**session.claims, "iss": "https://other.example"})
    assert revoke(session, foreign) == (200, "{}") and count_calls(stack) == before
    stack.clock.advance(600)
    assert revoke(session, session.access) == (200, "{}")
    assert not any(operation == "PutItem" for operation, _ in stack.dynamodb.calls[before:])
