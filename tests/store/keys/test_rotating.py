"""Turning keys in the table: one in use at any moment, by one conditional write, whoever comes twice or late."""

import dataclasses
import threading
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.keys.lifecycle import LEAD_SECONDS
from chalicelib.keys.rotation import CannotRotate, roll_signing, rotate_due, rotate_one
from chalicelib.ports import StoreUnavailable
from chalicelib.records.keyset import Purpose
from cli.deployment.operations import Deployment
from cli.main import build_parser
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import start_session
from tests.kit.requirement import requirement
from tests.store.keys.turning import DAY, keyset, rotator_of, run_schedule, shown, states

SEALING: tuple[Purpose, ...] = ("handle", "cookie", "user_code", "nonce", "pairwise", "vault")


def writes(stack: Stack, since: int) -> list[str]:
    """Conditional writes of keysets, by purpose."""
    payloads = [payload for operation, payload in stack.dynamodb.calls[since:] if operation == "PutItem"]
    assert all(payload["ConditionExpression"] for payload in payloads)
    return [payload["Item"]["purpose"]["S"] for payload in payloads]


@requirement("META-04", "KEY-02")
def test_the_schedule_turns_the_signing_key_by_itself(stack: Stack) -> None:
    assert run_schedule(stack) == []
    stack.clock.advance(89 * DAY - LEAD_SECONDS + 5)  # the key was made by the wall clock
    assert ("signing", 2, "published") in run_schedule(stack)
    assert states(stack, "signing") == {1: "signing", 2: "published"}
    stack.clock.advance(DAY)
    assert ("signing", 2, "used") not in run_schedule(stack)
    stack.clock.advance(LEAD_SECONDS)
    assert run_schedule(stack) == [("signing", 2, "used")]
    assert states(stack, "signing") == {1: "retiring", 2: "signing"}
    stack.clock.advance(DAY)
    assert run_schedule(stack) == []
    stack.clock.advance(LEAD_SECONDS)
    assert run_schedule(stack) == [("signing", 1, "gone")]
    assert states(stack, "signing") == {2: "signing"}


@requirement("KEY-02")
def test_each_sealing_key_turns_once_a_year_and_three_never(stack: Stack) -> None:
    run_schedule(stack)
    stack.clock.advance(365 * DAY)
    assert {purpose for purpose, _, done in run_schedule(stack) if done == "published"} == {"signing", *SEALING}
    stack.clock.advance(DAY + LEAD_SECONDS)
    assert {purpose for purpose, _, done in run_schedule(stack) if done == "used"} == {"signing", *SEALING}
    for purpose in SEALING:
        assert states(stack, purpose) == {1: "retired", 2: "current"}
    for purpose in ("pepper", "audit", "identity"):
        assert states(stack, purpose) == {1: "current"}
    stack.clock.advance(60 * DAY)
    run_schedule(stack)
    assert states(stack, "handle") == {2: "current"} and states(stack, "vault") == {1: "retired", 2: "current"}


@requirement("KEY-01", "F20")
def test_a_process_opens_what_another_seals_under_a_key_that_it_knows_as_published(stack: Stack) -> None:
    for purpose in SEALING:
        rotate_one(rotator_of(stack), purpose, now=stack.clock.now())
    stack.clock.advance(LEAD_SECONDS)
    late = stack.build()
    before = {purpose: late.keys.get(purpose) for purpose in SEALING}
    for purpose in SEALING:
        rotate_one(rotator_of(stack), purpose, now=stack.clock.now())
    used = stack.build().keys
    for purpose in SEALING:
        assert (before[purpose].current.version, used.get(purpose).current.version) == (1, 2)
        assert late.keys.get(purpose).versions[2].secret == used.get(purpose).current.secret


@requirement("KEY-01", "KEY-02")
def test_a_lifetime_that_was_raised_for_a_while_keeps_the_key_as_long_as_what_it_sealed(stack: Stack) -> None:
    """The schedule notes the greatest lifetime on the key that is in use, before any step and without one."""
    run_schedule(stack)
    as_usual = stack.broker
    long = replace(stack.settings, refresh_end_seconds=200 * DAY)
    stack.broker = dataclasses.replace(as_usual, settings=long)
    assert run_schedule(stack) == [], "it takes no step, and notes the lifetime all the same"
    assert keyset(stack, "handle").keys[0].longest >= 200 * DAY
    stack.broker = as_usual
    run_schedule(stack)
    rotator = rotator_of(stack)
    rotate_one(rotator, "handle", now=stack.clock.now())
    stack.clock.advance(LEAD_SECONDS)
    assert shown(rotate_one(rotator, "handle", now=stack.clock.now())) == ("handle", 2, "used")
    stack.clock.advance(200 * DAY)
    run_schedule(stack)
    assert states(stack, "handle") == {1: "retired", 2: "current"}, "a refresh token of that time may still come"
    stack.clock.advance(DAY)
    assert ("handle", 1, "gone") in run_schedule(stack)


@requirement("F21", "KEY-02")
def test_runs_that_come_twice_late_or_at_once_end_in_the_same_state(stack: Stack) -> None:
    run_schedule(stack)
    stack.clock.advance(90 * DAY)
    gate, done = threading.Barrier(4), list[Any]()

    def run() -> None:
        gate.wait()
        done.extend(rotate_due(rotator_of(stack), now=stack.clock.now()))

    for expected in ("published", "used"):
        done.clear()
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [shown(turn) for turn in done if turn.purpose == "signing"] == [("signing", 2, expected)]
        assert run_schedule(stack) == []
        stack.clock.advance(700 * DAY if expected == "used" else 2 * DAY)
    late = [step for step in run_schedule(stack) if step[0] == "signing"]
    assert late == [("signing", 1, "gone"), ("signing", 3, "published")]


@requirement("F21", "KEY-02")
@pytest.mark.parametrize("mode", ["B", "A"])
def test_a_run_that_dies_or_loses_its_answer_is_finished_by_the_next(stack: Stack, mode: Any) -> None:
    run_schedule(stack)
    stack.clock.advance(90 * DAY)
    lost = FaultyTransport(stack.deployment.dynamodb, Fault(mode=mode, operation="PutItem"))
    rotator = rotator_of(stack)
    rotator.ring._transport = lost  # type: ignore[attr-defined]
    assert ("signing", 2, "published") in [shown(turn) for turn in rotate_due(rotator, now=stack.clock.now())]
    away = FaultyTransport(stack.deployment.dynamodb, Fault(mode=mode, operation="PutItem", times=99))
    rotator.ring._transport = away  # type: ignore[attr-defined]
    stack.clock.advance(2 * DAY)
    with pytest.raises(StoreUnavailable):
        rotate_due(rotator, now=stack.clock.now())
    run_schedule(stack)
    assert states(stack, "signing") == {1: "retiring", 2: "signing"}


@requirement("KEY-01")
def test_the_operator_begins_and_goes_on_by_the_same_word(stack: Stack) -> None:
    rotator = rotator_of(stack)
    purposes: tuple[Purpose, ...] = ("signing", "pepper", "audit", *SEALING)
    for purpose in purposes:
        since = len(stack.dynamodb.calls)
        assert shown(rotate_one(rotator, purpose, now=stack.clock.now())) == (purpose, 2, "published")
        assert writes(stack, since) == [purpose] * (2 if purpose == "vault" else 1), "the vault's have a copy"
        with pytest.raises(CannotRotate, match="already_published") as early:
            rotate_one(rotator, purpose, now=stack.clock.now())
        assert early.value.step is not None and early.value.step.kind == "use" and early.value.step.at
        stack.clock.time = early.value.step.at
        assert shown(rotate_one(rotator, purpose, now=stack.clock.now())) == (purpose, 2, "used")
        assert sorted(states(stack, purpose).values()) in (["retiring", "signing"], ["current", "retired"])


@requirement("KEY-01")
def test_the_identity_key_is_never_turned(stack: Stack) -> None:
    with pytest.raises(CannotRotate, match="never_turned"):
        rotate_one(rotator_of(stack), "identity", now=stack.clock.now())


@requirement("KEY-01")
def test_no_key_is_made_where_there_is_no_keyset_and_none_beyond_a_handles_room(stack: Stack) -> None:
    from chalicelib.records.item_keys import keyset_item_key

    item = keyset(stack, "nonce")
    stack.deployment.put(keyset_item_key("nonce"), replace(item, keys=(replace(item.keys[0], version=255),)))
    with pytest.raises(CannotRotate, match="no_version_left"):
        rotate_one(rotator_of(stack), "nonce", now=stack.clock.now())
    signing = keyset(stack, "signing")
    stack.deployment.put(keyset_item_key("signing"), replace(signing, keys=(replace(signing.keys[0], version=255),)))
    assert rotate_one(rotator_of(stack), "signing", now=stack.clock.now()).version == 256, "no handle names that one"
    stack.deployment.delete(keyset_item_key("nonce"))
    with pytest.raises(CannotRotate, match="keyset_missing"):
        rotate_one(rotator_of(stack), "nonce", now=stack.clock.now())


@requirement("KEY-03")
def test_in_an_emergency_a_new_key_signs_at_once_and_every_token_of_before_is_dead(stack: Stack) -> None:
    session = start_session(stack)
    rotate_one(rotator_of(stack), "signing", now=stack.clock.now())
    old = set(kids(stack))
    stack.clock.advance(60)
    since = len(stack.dynamodb.calls)
    assert shown(roll_signing(rotator_of(stack), now=stack.clock.now())) == ("signing", 3, "rolled")
    assert writes(stack, since) == ["signing"] and states(stack, "signing") == {3: "signing"}
    stack.clock.advance(60)  # so long a warm process goes on as before
    assert len(kids(stack)) == 1 and not old & set(kids(stack))
    assert session.userinfo().status == 401 and session.exchange().status == 400
    again = session.refresh()
    assert again.status == 200 and stack.userinfo(again.json["access_token"]).status == 200


def kids(stack: Stack) -> list[str]:
    return [key["kid"] for key in stack.get("/jwks").json["keys"]]


@requirement("KEY-01")
def test_a_terminal_whose_clock_is_an_hour_ahead_takes_no_step_early(stack: Stack) -> None:
    class Table:
        """Its clock is an hour behind this terminal's."""

        ahead = 0

        def call(self, operation: str, payload: Any) -> dict[str, Any]:
            self.ahead = -3600
            return stack.deployment.dynamodb.call(operation, payload)

    stack.clock.time -= 3600 + 60
    rotate_one(rotator_of(stack), "nonce", now=stack.clock.now())
    operator = Deployment(stack.settings, dynamodb=Table(), kms=stack.deployment.kms)
    options = build_parser().parse_args(["keys", "rotate"])
    assert options.act(operator, options) == [] and states(stack, "nonce") == {1: "current", 2: "published"}
