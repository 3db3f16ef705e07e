"""Limits on hand-outs per user and per client (VLT-06)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.http.browser import Answer
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, audits, change, events, refusal, start_session
from tests.kit.limits.rate_limits import to_the_minute
from tests.kit.requirement import requirement


def many(session: Session, times: int) -> list[Answer]:
    """So many hand-outs within one minute."""
    return [session.exchange() for _ in range(times)]


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


@requirement("VLT-06")
def test_a_user_over_the_limit_is_told_when_to_come_again_and_nothing_is_read_further(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(handouts_per_user=5)
    session = start_session(stack)
    to_the_minute(stack)
    stack.clock.advance(12)
    assert statuses(many(session, 5)) == [200] * 5
    refreshes = stack.provider.count("token")
    with stack.dynamodb.counted() as first:
        answer = session.exchange()
    assert refusal(answer) == (429, "slow_down") and answer.header("retry-after") == "48"
    assert answer.json["reason"] == "handout_limit" and answer.header("cache-control") == "no-store"
    with stack.dynamodb.counted() as others:
        assert statuses(many(session, 3)) == [429] * 3
    assert (first, others) == ({"BatchGetItem": 1, "UpdateItem": 1}, {"BatchGetItem": 3})
    assert len(audits(stack)) == 5 and stack.provider.count("token") == refreshes
    stack.clock.advance(48)
    assert session.exchange().status == 200


@requirement("VLT-06")
def test_a_user_over_the_limit_never_reaches_the_provider(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(handouts_per_user=1)
    session = start_session(stack)
    to_the_minute(stack)
    assert session.exchange().status == 200
    before = stack.provider.count("token")
    change(stack, session.connection_place(), access_expires_at=stack.clock.now() - 1)
    assert session.exchange().status == 429 and stack.provider.count("token") == before


@requirement("VLT-06")
def test_the_alarm_is_raised_once_a_window(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(handouts_per_user=2, handouts_per_client=3)
    session = start_session(stack)
    to_the_minute(stack)
    many(session, 6)
    (alarm,) = events(stack, "alarm")
    assert (alarm["kind"], alarm["whose"], alarm["limit"]) == ("handout_limit", "user", 2)
    assert (alarm["client_id"], alarm["sub"]) == (session.client.client_id, session.claims["sub"])
    bob = start_session(stack, who="bob", client=(session.client, None))
    assert statuses(many(bob, 2)) == [200, 429], "what a user was refused is not the client's"
    assert [alarm["whose"] for alarm in events(stack, "alarm")] == ["user", "client"]
    stack.clock.advance(60)
    many(session, 3)
    assert [alarm["whose"] for alarm in events(stack, "alarm")] == ["user", "client", "user"]


@requirement("VLT-06")
def test_a_flood_leaves_other_users_and_other_clients_alone(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(handouts_per_user=4, handouts_per_client=7)
    alice = start_session(stack)
    bob = start_session(stack, who="bob", client=(alice.client, None))
    other = start_session(stack)
    to_the_minute(stack)
    assert statuses(many(alice, 20)).count(200) == 4
    assert statuses(many(bob, 4)) == [200, 200, 200, 429], "seven of the client in all"
    assert statuses(many(other, 4)) == [200] * 4


@requirement("VLT-06")
def test_two_processes_share_a_limit(make_stack: Callable[..., Stack]) -> None:
    """A block is two of forty, so the second process can add one at most."""
    stack = make_stack(handouts_per_user=40)
    session = start_session(stack)
    to_the_minute(stack)
    brokers = [stack.broker, stack.build()]
    answers = []
    for number in range(60):
        stack.broker = brokers[number % 2]
        answers.append(session.exchange())
    assert 40 <= statuses(answers).count(200) <= 41
    assert len(events(stack, "alarm")) == 1


@requirement("VLT-06")
def test_what_is_refused_for_another_reason_costs_nobody_a_hand_out(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(handouts_per_user=2)
    session = start_session(stack)
    to_the_minute(stack)
    for changed in ({"audience": "github"}, {"scope": "notes:write"}):
        assert statuses([session.exchange(**changed) for _ in range(4)]) == [400] * 4
    assert statuses(many(session, 3)) == [200, 200, 429]


@requirement("VLT-06")
def test_without_limits_nothing_is_counted(make_stack: Callable[..., Stack]) -> None:
    stack: Any = make_stack(handouts_per_user=0, handouts_per_client=0)
    session = start_session(stack)
    with stack.dynamodb.counted() as calls:
        assert statuses(many(session, 40)) == [200] * 40
    assert calls == {"BatchGetItem": 40, "PutItem": 40}


@requirement("VLT-06", "BUDGET")
def test_a_block_costs_one_call(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(handouts_per_user=40, handouts_per_client=80)
    session = start_session(stack)
    to_the_minute(stack)
    session.exchange()
    with stack.dynamodb.counted() as calls:
        assert statuses(many(session, 3)) == [200] * 3
    assert calls == {"BatchGetItem": 3, "PutItem": 3, "UpdateItem": 3}, "two blocks of two, and one of four"


@pytest.mark.parametrize("name", ["BROKER_HANDOUTS_PER_USER", "BROKER_HANDOUTS_PER_CLIENT"])
@requirement("VLT-06", "GEN-12")
def test_no_limit_has_to_be_said_twice_away_from_loopback(name: str) -> None:
    from chalicelib.config import ConfigurationError, read_settings

    with pytest.raises(ConfigurationError) as caught:
        read_settings({"BROKER_ISSUER": "https://broker.example", name: "0"})
    assert "HANDOUTS_UNLIMITED" in caught.value.faults[0] and len(caught.value.faults) == 1
    both = {name: "0", "BROKER_HANDOUTS_UNLIMITED": "true"}
    assert read_settings({"BROKER_ISSUER": "https://broker.example", **both}).handouts_unlimited
    assert read_settings({"BROKER_ISSUER": "http://127.0.0.1", name: "0"})
