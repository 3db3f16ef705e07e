"""A fault at each call of each token request: never half, never a success that did not happen (RELIABILITY R7).

B fails before it takes effect, A takes effect and loses its answer, C and K end the process after and before it, T is
throttled. A call is tried three times at most, so three of a kind are an outage and one is a hiccup. The redemption and
the refresh themselves stand in test_faults_at_each_call.py.
"""

from collections.abc import Callable

import pytest

from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.browser import Answer
from tests.kit.http.fault_line import DEATH, FAULTS, HICCUP, OUTAGE, Line
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, audits, mark, refusal, start_session
from tests.kit.requirement import requirement

UNAVAILABLE = (503, "temporarily_unavailable")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def line(make_stack: Callable[..., Stack]) -> Line:
    """A broker behind the line; every key and record is warm."""
    line = Line()
    line.stack = make_stack(dynamodb=line)
    return line


@pytest.fixture
def session(line: Line) -> Session:
    """A signed-in confidential client behind the line."""
    assert line.stack is not None
    return start_session(line.stack, **CONFIDENTIAL)


@requirement("F04", "F08", "CODE-04", "GEN-13")
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_a_fault_while_a_replay_is_answered_never_answers_it_with_tokens(
    line: Line, session: Session, mode: str, times: int, at: int
) -> None:
    answer = line.send(lambda: session.stack.redeem(session.sign_in), mode, at=at, times=times)
    assert answer is None or answer.status in (400, 503)
    assert refusal(session.stack.redeem(session.sign_in)) == (400, "invalid_grant")
    assert session.grant().status == "revoked" and session.refresh().status == 400


@requirement("F07", "F08", "GEN-13")
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_a_fault_while_a_stolen_token_is_answered_only_delays_the_end(
    line: Line, session: Session, mode: str, times: int, at: int
) -> None:
    session.refresh()
    session.stack.clock.advance(30)
    session.stack.post("/revoke", session.client, session.sign_in.secret, token="unknown")
    answer = line.send(session.refresh, mode, at=at, times=times)
    assert answer is None or answer.status in (400, 503)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "revoked" and session.userinfo().status == 401


@requirement("F08", "INT-02", "GEN-13")
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_a_fault_while_a_mark_ends_a_grant_never_answers_with_tokens(
    line: Line, session: Session, mode: str, times: int, at: int
) -> None:
    mark(session.stack, session.consent_place())
    answer = line.send(session.refresh, mode, at=at, times=times)
    assert answer is None or answer.status in (400, 503)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "revoked"


@requirement("F08", "REV-02")
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_a_revocation_is_said_only_when_it_is_done_and_may_be_repeated(
    line: Line, session: Session, mode: str, times: int, kind: str
) -> None:
    def revoke() -> Answer:
        token = str(session.tokens[kind])
        return session.stack.post("/revoke", session.client, session.sign_in.secret, token=token)

    answer = line.send(revoke, mode, at=0, times=times)
    if answer is not None and answer.status == 200:
        assert session.userinfo().status == 401
    else:
        assert answer is None or refusal(answer) == UNAVAILABLE
        assert session.userinfo().status == (401 if mode in "AC" else 200)
    assert revoke().status == 200 and session.userinfo().status == 401


@requirement("F26", "VLT-05", "GEN-13")
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(("mode", "times"), FAULTS)
def test_what_is_not_on_record_is_not_handed_out(line: Line, session: Session, mode: str, times: int, at: int) -> None:
    answer = line.send(session.exchange, mode, at=at, times=times)
    handed = answer is not None and answer.status == 200
    assert answer is None or handed or (refusal(answer) == UNAVAILABLE and "access_token" not in answer.body)
    assert handed == (times == HICCUP and mode in "ABT")
    written = handed or (at == 1 and mode in "AC")
    assert len(audits(session.stack)) == written


@requirement("GEN-13", "INT-02")
@pytest.mark.parametrize("name", ["introspect", "userinfo"])
@pytest.mark.parametrize(("mode", "times"), [("B", OUTAGE), ("T", OUTAGE), ("A", OUTAGE), ("K", DEATH)])
def test_a_token_that_cannot_be_looked_up_is_neither_good_nor_bad(
    line: Line, session: Session, mode: str, times: int, name: str
) -> None:
    stack = session.stack
    api = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    stack.post("/introspect", *api, token="unknown")
    requests = {
        "introspect": lambda: stack.post("/introspect", *api, token=session.access),
        "userinfo": session.userinfo,
    }
    answer = line.send(requests[name], mode, at=0, times=times)
    assert answer is None or (refusal(answer) == UNAVAILABLE and "active" not in answer.json)


@requirement("TOK-04", "GEN-13")
@pytest.mark.parametrize("at", [0, 1])
def test_a_wrong_secret_is_refused_even_where_it_cannot_be_counted(line: Line, session: Session, at: int) -> None:
    stack = session.stack
    answer = line.send(
        lambda: stack.post("/revoke", session.client, "0" * 64, token=session.refresh_token), "B", at=at, times=OUTAGE
    )
    assert answer is not None and refusal(answer) == UNAVAILABLE
    assert session.refresh().status == 200


@requirement("GEN-15", "F12")
def test_every_read_of_a_whole_session_is_strongly_consistent(session: Session) -> None:
    session.exchange()
    session.userinfo()
    session.refresh()
    reads = [payload for operation, payload in session.stack.dynamodb.calls if operation == "BatchGetItem"]
    assert len(reads) > 5
    assert all(table["ConsistentRead"] is True for read in reads for table in read["RequestItems"].values())
    known = {"BatchGetItem", "PutItem", "UpdateItem"}
    assert {operation for operation, _ in session.stack.dynamodb.calls} == known


@requirement("REF-08", "REV-03", "REF-04")
@pytest.mark.parametrize("repeated", [False, True])
def test_a_grant_that_is_revoked_between_the_advance_and_the_read_answers_nothing(
    line: Line, session: Session, repeated: bool
) -> None:
    store, grant = session.stack.deployment.store, session.grant()
    if repeated:
        assert session.refresh().status == 200

    def revoke() -> None:
        store.revoke_grant(grant.grant_id, client_id=grant.client_id)

    line.faulty = FaultyTransport(session.stack.dynamodb, Fault(mode="D", first=1), on_delay=revoke)
    assert refusal(session.refresh()) == (400, "invalid_grant")
