"""A function that is killed at the end of its time, in whatever step of a refresh: a crash like any other (F22)."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.faults.refresh.refresh_crash import CALLS, KINDS, SAVED_WITHOUT_ANSWER, check_nothing_is_lost
from tests.kit.connection_scene import Scene, die
from tests.kit.faults import ProcessDied
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
FUNCTION_SECONDS = 29


class HangsAt:
    """The n-th call of the table takes all the time that the function has, and then the platform ends it."""

    def __init__(self, scene: Scene, number: int, *, takes_effect: bool) -> None:
        self.scene, self.left, self.takes_effect = scene, number, takes_effect

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        self.left -= 1
        if self.left != -1:
            return self.scene.stack.dynamodb.call(operation, payload)
        if self.takes_effect:
            self.scene.stack.dynamodb.call(operation, payload)
        self.scene.clock.advance(FUNCTION_SECONDS)
        raise ProcessDied


def killed(scene: Scene, number: int, *, takes_effect: bool) -> str:
    """Ask, and be killed in that step."""
    scene.line.inner = HangsAt(scene, number, takes_effect=takes_effect)
    try:
        return scene.asks()
    finally:
        scene.line.inner = scene.stack.dynamodb


@requirement("F22", "F16")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("takes_effect", [False, True], ids=["before the step counts", "after it counts"])
def test_killed_at_the_end_of_its_time_in_each_step_the_next_caller_goes_on(
    make_scene: Any, kind: str, takes_effect: bool
) -> None:
    scene: Scene = make_scene(kind)
    for number, step in CALLS.items():
        scene.expire()
        before = scene.outside.refreshes
        assert killed(scene, number, takes_effect=takes_effect) == "nothing"
        scene.new_process()
        came, asked = scene.asks(), scene.outside.refreshes - before
        answer_was_lost = step == "recovery" and not takes_effect
        if number >= 2 and not answer_was_lost:
            assert asked == 1, "what was received is finished, not asked for again"
        saved = not answer_was_lost or kind in SAVED_WITHOUT_ANSWER
        if kind == "ask" and step == "lease" and takes_effect:
            saved = False  # nobody knows whether the provider was asked
        check_nothing_is_lost(scene, came, saved=saved, case=step)


@requirement("F22", "F16")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["before", "after"])
def test_killed_while_the_provider_is_asked_its_profile_decides(make_scene: Any, kind: str, at: str) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()

    def hang() -> None:
        scene.clock.advance(FUNCTION_SECONDS)
        die()

    setattr(scene.outside, at, hang)
    assert scene.asks() == "nothing" and scene.connection.attempt_started > 0
    scene.new_process()
    came = scene.asks()
    spent = at == "after"
    saved = kind in SAVED_WITHOUT_ANSWER or (kind == "once" and not spent)
    check_nothing_is_lost(scene, came, saved=saved, case=(kind, at))


@requirement("F22", "VLT-07")
def test_with_little_time_left_nobody_waits_or_asks_and_what_lives_is_handed_out(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.age(100)
    scene.time_left.seconds = 1.05
    assert scene.asks() == "token" and scene.outside.refreshes == 0, "due, and still alive"
    scene.age(21)
    place = scene.session.connection_place()
    change(scene.stack, place, lease_owner="o", lease_until=scene.clock.now() + 9, attempt_started=scene.clock.now())
    assert scene.asks() == "later" and scene.naps.taken == []
