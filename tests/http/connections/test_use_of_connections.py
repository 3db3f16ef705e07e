"""How often a connection was used: GET /connections/{connection_id}, counted from what is on record (VLT-05)."""

from typing import Any

import msgspec
import pytest

from chalicelib.adapters.dynamodb.store import LOOKED_AT
from chalicelib.records.audit import RETENTION_SECONDS, AuditEvent
from tests.kit.http.browser import Answer, request
from tests.kit.http.fault_line import EVERY_TRY, fail_next
from tests.kit.http.proxied import Proxied
from tests.kit.http.sign_in_scene import only_written
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, mark, refusal, sign, start_session
from tests.kit.requirement import requirement


def ask(session: Session, connection_id: str = "", *, method: str = "GET", token: str = "") -> Answer:
    """For one connection, the session's own unless said."""
    headers = {"Authorization": f"Bearer {token or session.access}"}
    path = f"/connections/{connection_id or of(session)}"
    return request(session.stack.netloc, method, path, headers=headers)


def of(session: Session) -> str:
    """The id of its one connection."""
    return str(session.claims["connections"]["demo"])


def use_of(session: Session) -> dict[str, int]:
    """As its app is told."""
    answer = ask(session)
    assert answer.status == 200, answer.body
    use: dict[str, int] = answer.json["use"]
    return use


def counts(session: Session) -> tuple[int, int]:
    """Hand-outs and calls."""
    use = use_of(session)
    return use["handouts"], use["calls"]


def leave(session: Session, number: int, *, connection_id: str = "", **fields: Any) -> None:
    """So many more hand-outs on record, a second apart, the last of them now."""
    now = session.stack.clock.now()
    for back in reversed(range(number)):
        event = AuditEvent(
            event="handout",
            at=now - back,
            request_id=f"{back:024x}",
            sub=session.claims["sub"],
            client_id=session.client.client_id,
            connection_id=connection_id or of(session),
        )
        session.stack.deployment.store.append_audit(msgspec.structs.replace(event, **fields))


@requirement("CONS-07", "VLT-05")
def test_one_connection_is_told_as_in_the_list_with_its_hand_outs_and_calls(stack: Stack) -> None:
    session, proxied = start_session(stack), Proxied(stack)
    begun = stack.clock.now()
    assert use_of(session) == {"handouts": 0, "calls": 0, "since": begun - RETENTION_SECONDS}
    for _ in range(2):
        assert session.exchange().status == 200
    stack.clock.advance(5)
    for _ in range(3):
        assert proxied.call(session).status == 200
    stack.clock.advance(5)
    answer = ask(session)
    assert answer.header("cache-control") == "no-store" and answer.header("access-control-allow-origin") == "*"
    told = answer.json
    last = {"last_used_at": begun + 5, "since": begun + 10 - RETENTION_SECONDS}
    assert told.pop("use") == {"handouts": 2, "calls": 3, **last}
    headers = {"Authorization": f"Bearer {session.access}"}
    assert request(stack.netloc, "GET", "/connections", headers=headers).json["connections"] == [told]


@requirement("CONS-07", "VLT-01")
def test_what_other_connections_apps_and_users_do_is_not_counted(stack: Stack) -> None:
    session, proxied = start_session(stack), Proxied(stack)
    other_app = start_session(stack)
    bob = start_session(stack, who="bob", client=(session.client, None))
    assert session.claims["sub"] == other_app.claims["sub"] != bob.claims["sub"]
    for user, handouts, calls in ((session, 2, 3), (other_app, 1, 0), (bob, 0, 4)):
        for _ in range(handouts):
            assert user.exchange().status == 200
        for _ in range(calls):
            assert proxied.call(user).status == 200
    leave(session, 1, connection_id="f" * 32)
    assert [counts(user) for user in (session, other_app, bob)] == [(2, 3), (1, 0), (0, 4)]


@requirement("CONS-07", "VLT-01")
def test_another_users_or_apps_connection_reads_like_none_and_is_not_looked_for(stack: Stack) -> None:
    session = start_session(stack)
    assert session.exchange().status == 200
    bob = start_session(stack, who="bob", client=(session.client, None))
    other_app = start_session(stack)
    for stranger in (bob, other_app):
        with only_written(stack), stack.dynamodb.counted() as calls:
            refused, absent = ask(stranger, of(session)), ask(stranger, "0" * 32)
        assert calls == {"BatchGetItem": 2}
        same = [{**answer.json, "error_id": ""} for answer in (refused, absent)]
        assert refused.status == absent.status == 404 and same[0] == same[1]
    for malformed in ("x", "0" * 31, "demo", "%00", of(session).upper()):
        assert ask(session, malformed).status == 404
    assert counts(session) == (1, 0)


@requirement("CONS-07", "VLT-12")
def test_only_a_token_for_us_of_a_user_is_told(stack: Stack) -> None:
    session = start_session(stack)
    elsewhere = sign(stack, {**session.claims, "aud": "https://api.example"})
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    own = stack.token(client, secret, grant_type="client_credentials").json["access_token"]
    for token in (elsewhere, own, "x", session.refresh_token):
        with only_written(stack):
            assert refusal(ask(session, token=token)) == (401, "invalid_token")


@requirement("VLT-05")
def test_what_was_refused_is_not_counted(stack: Stack) -> None:
    session, proxied = start_session(stack), Proxied(stack)
    assert session.exchange(scope="notes:write").status == 400
    assert proxied.call(session, path="/proxy/demo/a/../b").status == 400
    assert proxied.call(session, headers={"Broker-Host": "elsewhere.example"}).status == 400
    assert counts(session) == (0, 0)
    assert proxied.call(session, "DELETE", "/proxy/demo/nothing").status == 404, "the API's own answer to a call"
    assert counts(session) == (0, 1)
    mark(stack, session.consent_place())
    assert session.exchange().status == 400 and proxied.call(session).status == 401
    stack.clock.advance(1)
    again = start_session(stack, client=(session.client, session.sign_in.secret))
    assert of(again) == of(session) and counts(again) == (0, 1), "a sign-in goes on with the same connection"


@requirement("VLT-05")
def test_other_acts_on_record_are_no_use(stack: Stack) -> None:
    session = start_session(stack)
    leave(session, 3, event="connection_shown")
    assert "last_used_at" not in use_of(session) and counts(session) == (0, 0)


@requirement("CONS-07", "BUDGET")
def test_of_more_than_it_looks_at_the_newest_are_counted_with_the_time_of_the_first_of_them(stack: Stack) -> None:
    session = start_session(stack)
    leave(session, LOOKED_AT + 20)
    now = stack.clock.now()
    with stack.dynamodb.counted() as calls:
        use = use_of(session)
    assert calls == {"BatchGetItem": 1, "Query": 1}
    assert use == {"last_used_at": now, "handouts": LOOKED_AT, "calls": 0, "since": now - LOOKED_AT + 1}


@requirement("CONS-07", "VLT-01")
def test_an_app_learns_no_time_at_which_another_was_used(stack: Stack) -> None:
    """`since` is a time of its own connection, or now; never that of the last record that was looked at."""
    session = start_session(stack)
    leave(session, 2)
    stack.clock.advance(LOOKED_AT)
    leave(session, LOOKED_AT - 1, connection_id="f" * 32)
    now = stack.clock.now()
    assert use_of(session) == {
        "last_used_at": now - LOOKED_AT,
        "handouts": 1,
        "calls": 0,
        "since": now - LOOKED_AT,
    }
    stack.clock.advance(1)
    leave(session, 1, connection_id="f" * 32)
    assert use_of(session) == {"handouts": 0, "calls": 0, "since": stack.clock.now()}


@requirement("CONS-07")
def test_what_is_older_than_records_are_kept_is_not_counted_though_it_may_still_stand_there(stack: Stack) -> None:
    session = start_session(stack)
    now = stack.clock.now()
    for number, at in enumerate((now - RETENTION_SECONDS - 1, now - RETENTION_SECONDS, now - 1)):
        leave(session, 1, at=at, request_id=f"{number:024x}")
    use = use_of(session)
    assert (use["handouts"], use["since"]) == (2, now - RETENTION_SECONDS)


@requirement("CONS-07")
@pytest.mark.parametrize("failing", [False, True])
def test_an_ended_one_is_told_as_its_end_was_with_what_it_had_been_used_for(stack: Stack, failing: bool) -> None:
    session = start_session(stack)
    assert session.exchange().status == 200
    if failing:
        stack.provider.faults.at, stack.provider.faults.status = frozenset({"revoke"}), 503
    ended = ask(session, method="DELETE").json
    with only_written(stack):
        told = ask(session).json
    assert told.pop("use")["handouts"] == 1 and told == ended


@requirement("VLT-05")
def test_a_record_names_the_grant_that_used_the_connection(stack: Stack) -> None:
    session, proxied = start_session(stack), Proxied(stack)
    second = start_session(stack, client=(session.client, session.sign_in.secret))
    assert session.exchange().status == 200 and proxied.call(second).status == 200
    by_event = {record["event"]["S"]: record["grant_id"]["S"] for record in audits(stack)}
    assert by_event == {"handout": session.claims["grant_id"], "proxy": second.claims["grant_id"]}
    assert session.claims["grant_id"] != second.claims["grant_id"] and counts(session) == (1, 1)


@requirement("GEN-13")
def test_where_the_table_does_not_answer_nothing_is_counted(stack: Stack) -> None:
    session = start_session(stack)
    faulty = fail_next(stack, "Query", "B", EVERY_TRY)
    assert refusal(ask(session)) == (503, "temporarily_unavailable")
    assert "Query" in faulty.calls
