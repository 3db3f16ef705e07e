"""A pause never uses up a refresh token, whenever it comes, whatever crashes, and whatever the index shows."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.item_keys import grant_item_key
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.account_page import look, press
from tests.kit.http.browser import Answer
from tests.kit.http.fault_line import Line
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, change, events, refusal, start_session
from tests.kit.requirement import requirement

LONG = 3600
LONG_AFTER_A_GRACE = pytest.mark.parametrize("grace", [30, 0])


@pytest.fixture
def line(make_stack: Callable[..., Stack], request: pytest.FixtureRequest) -> Line:
    """A broker behind the line; `grace` is a parameter of the test, 30 seconds unless it says so."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    line = Line()
    line.stack = make_stack(dynamodb=line, refresh_grace_seconds=parameters.get("grace", 30))
    return line


@pytest.fixture
def session(line: Line) -> Session:
    assert line.stack is not None
    return start_session(line.stack)


def act(session: Session, name: str) -> None:
    browser = session.sign_in.browser
    answer = press(browser, look(browser), f"{name} {session.client.client_id}")
    assert answer.status == 303, answer.body[-600:]


def pause_unseen(session: Session) -> None:
    """The user pauses while the index does not show this grant yet: the consent says so, the grant does not."""
    act(session, "pause")
    change(session.stack, grant_item_key(session.grant().grant_id), paused=False)
    session.stack.clock.advance(1)


def wait_warm(session: Session) -> None:
    """A long time passes, and then caches are filled: what counts calls finds those of the refresh alone."""
    session.stack.clock.advance(LONG)
    assert session.refresh(session.refresh_token[:-1]).status == 400


def says_paused(answer: Answer) -> bool:
    return (refusal(answer), answer.json.get("reason")) == ((400, "invalid_grant"), "paused")


def goes_on(session: Session) -> str:
    """After the pause: the app's only token gets a successor; the successor."""
    act(session, "resume")
    answer = session.refresh()
    assert answer.status == 200, answer.body
    assert (session.grant().status, events(session.stack, "replay_detected")) == ("active", [])
    return str(answer.json["refresh_token"])


@requirement("ACC-07", "REF-08")
@LONG_AFTER_A_GRACE
def test_a_refresh_between_the_two_writes_of_a_pause_uses_up_no_token(line: Line, session: Session, grace: int) -> None:
    refused: list[Answer] = []
    page = look(session.sign_in.browser)
    meanwhile = Fault(mode="D", operation="UpdateItem")
    line.faulty = FaultyTransport(session.stack.dynamodb, meanwhile, on_delay=lambda: refused.append(session.refresh()))
    assert press(session.sign_in.browser, page, f"pause {session.client.client_id}").status == 303
    line.faulty = None
    assert [says_paused(one) for one in refused] == [True] and session.grant().generation == 2
    session.stack.clock.advance(LONG)
    assert says_paused(session.refresh())
    goes_on(session)


@requirement("ACC-07", "REF-08")
@LONG_AFTER_A_GRACE
def test_a_grant_that_the_index_does_not_show_loses_no_token_however_often_it_is_tried(
    session: Session, grace: int
) -> None:
    pause_unseen(session)
    for _ in range(3):
        assert says_paused(session.refresh())
        session.stack.clock.advance(LONG)
    goes_on(session)


@requirement("ACC-07", "F04")
@pytest.mark.parametrize("mode", ["C", "K"])
@pytest.mark.parametrize("at", [0, 1, 2])
@LONG_AFTER_A_GRACE
def test_a_process_that_crashes_during_a_refused_refresh_uses_up_no_token(
    line: Line, session: Session, mode: Any, at: int, grace: int
) -> None:
    """The advance, the read of the pause, the note that the successor was withheld."""
    pause_unseen(session)
    line.send(session.refresh, mode, at=at + (grace == 0), times=1)
    session.stack.clock.advance(LONG)
    assert says_paused(session.refresh())
    session.stack.clock.advance(LONG)
    goes_on(session)


@requirement("ACC-07", "F04")
@pytest.mark.parametrize("mode", ["C", "K"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_process_that_crashes_while_it_refuses_again_leaves_the_successor_withheld(
    line: Line, session: Session, mode: Any, at: int
) -> None:
    """The refused advance, the look at the pause; the app asks next when the pause is over."""
    pause_unseen(session)
    assert says_paused(session.refresh())
    wait_warm(session)
    line.send(session.refresh, mode, at=at, times=1)
    session.stack.clock.advance(LONG)
    goes_on(session)


@requirement("ACC-07", "F04")
@pytest.mark.parametrize("mode", ["C", "K"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_process_that_crashes_while_it_delivers_after_the_pause_is_asked_again(
    line: Line, session: Session, mode: Any, at: int
) -> None:
    """The refused advance, the look at the pause, the delivery, the read of what may have ended the grant."""
    pause_unseen(session)
    assert says_paused(session.refresh())
    wait_warm(session)
    act(session, "resume")
    line.send(session.refresh, mode, at=at, times=1)
    assert session.refresh().status == 200
    assert session.grant().status == "active"


@requirement("ACC-07", "F03")
def test_a_refusal_says_paused_only_after_the_successor_was_noted_as_withheld(line: Line, session: Session) -> None:
    pause_unseen(session)
    answer = line.send(session.refresh, "B", at=2, times=3)
    assert answer is not None and answer.status == 503
    session.stack.clock.advance(1)
    assert says_paused(session.refresh())
    session.stack.clock.advance(LONG)
    goes_on(session)


@requirement("ACC-07", "REF-04")
def test_a_successor_that_was_delivered_before_the_pause_stays_the_one_that_counts(session: Session) -> None:
    """A duplicate on its way may bring the successor to the app while the same token is refused."""
    second = session.refresh().json["refresh_token"]
    session.stack.clock.advance(1)
    pause_unseen(session)
    assert says_paused(session.refresh()), "inside the grace"
    session.stack.clock.advance(LONG)
    act(session, "resume")
    assert session.refresh(second).status == 200
    assert session.grant().withheld == 0


@requirement("ACC-07", "REF-04")
def test_a_repeat_that_a_pause_refused_gets_the_same_successor_afterwards(session: Session) -> None:
    """The app lost the first response; without the pause its repeat would have had the successor."""
    lost = session.refresh().json["refresh_token"]
    session.stack.clock.advance(1)
    pause_unseen(session)
    assert says_paused(session.refresh())
    session.stack.clock.advance(LONG)
    assert goes_on(session) == lost


@requirement("ACC-07", "REF-04", "REF-05")
def test_what_a_pause_withheld_is_delivered_once_and_then_in_the_grace(session: Session) -> None:
    pause_unseen(session)
    assert says_paused(session.refresh())
    session.stack.clock.advance(LONG)
    first = goes_on(session)
    assert session.refresh().json["refresh_token"] == first, "inside the grace of its delivery"
    assert session.refresh(first).status == 200
    session.stack.clock.advance(30)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "revoked"


@requirement("ACC-07", "REF-05")
def test_a_token_that_is_used_long_after_its_delivery_ends_the_grant(session: Session) -> None:
    pause_unseen(session)
    assert says_paused(session.refresh())
    goes_on(session)
    session.stack.clock.advance(30)
    assert session.refresh().status == 400
    assert session.grant().status == "revoked"


@requirement("ACC-07", "REF-05")
def test_a_replay_of_what_was_delivered_before_the_pause_ends_a_grant_that_the_index_did_not_show(
    session: Session,
) -> None:
    assert session.refresh().status == 200
    session.stack.clock.advance(1)
    pause_unseen(session)
    session.stack.clock.advance(LONG)
    assert session.refresh().status == 400
    assert session.grant().status == "revoked"


@requirement("ACC-07")
def test_a_second_pause_between_the_look_and_the_delivery_withholds_it_again(line: Line, session: Session) -> None:
    pause_unseen(session)
    assert says_paused(session.refresh())
    wait_warm(session)
    act(session, "resume")
    place = session.consent_place()

    def pause_again() -> None:
        change(session.stack, place, paused_at=session.stack.clock.now())

    line.faulty = FaultyTransport(session.stack.dynamodb, Fault(mode="D", first=2), on_delay=pause_again)
    assert says_paused(session.refresh())
    line.faulty = None
    session.stack.clock.advance(LONG)
    assert says_paused(session.refresh())
    goes_on(session)


@requirement("ACC-07", "REF-04")
def test_of_two_requests_that_deliver_at_one_moment_both_get_the_same(line: Line, session: Session) -> None:
    pause_unseen(session)
    assert says_paused(session.refresh())
    wait_warm(session)
    act(session, "resume")
    rivals: list[Answer] = []
    between = Fault(mode="D", first=2)
    line.faulty = FaultyTransport(session.stack.dynamodb, between, on_delay=lambda: rivals.append(session.refresh()))
    answer = session.refresh()
    tokens = {one.json["refresh_token"] for one in (answer, *rivals)}
    assert (answer.status, len(rivals), len(tokens)) == (200, 1, 1)
