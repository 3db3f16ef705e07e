"""The gateway gives up after 29 s while the function works on: the client repeats, and the first one goes on beside or
after it (RELIABILITY F27)."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.kit.connection_scene import Frozen, Scene
from tests.kit.http.browser import Answer, request
from tests.kit.requirement import requirement

GATEWAY_SECONDS = 29


class Stuck:
    """The n-th call of one thread stands still, before or after it takes effect; all others pass."""

    def __init__(self, inner: Any, at: int, *, counts: bool) -> None:
        self._inner, self._left, self._counts = inner, at, counts
        self._thread: int | None = None
        self.frozen = Frozen()

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        if self._thread is None:
            self._thread = threading.get_ident()
        mine = threading.get_ident() == self._thread
        self._left -= mine
        stuck = mine and self._left == -1
        if stuck and not self._counts:
            self.frozen()
        try:
            answer: dict[str, Any] = self._inner.call(operation, payload)
            return answer
        finally:
            if stuck and self._counts:
                self.frozen()


def repeat(scene: Scene, ask: Callable[[], Answer], at: int, *, counts: bool) -> tuple[Answer, Answer]:
    """What the function would have answered whose client has left, and what the repeat was answered."""
    stuck = Stuck(scene.stack.dynamodb, at, counts=counts)
    scene.line.inner = stuck
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask)
        assert stuck.frozen.reached.wait(30)
        scene.clock.advance(GATEWAY_SECONDS)
        try:
            again = ask()
        finally:
            stuck.frozen.go.set()
        return first.result(), again


@requirement("F27")
@pytest.mark.parametrize("counts", [False, True], ids=["before it counts", "after it counts"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_refresh_that_is_repeated_gets_the_same_successor(scene: Scene, at: int, counts: bool) -> None:
    first, again = repeat(scene, scene.session.refresh, at, counts=counts)
    assert again.status == 200 and first.status == 200
    assert first.json["refresh_token"] == again.json["refresh_token"]
    assert scene.session.refresh(again.json["refresh_token"]).status == 200


@requirement("F27", "CODE-04")
@pytest.mark.parametrize("counts", [False, True], ids=["before it counts", "after it counts"])
def test_a_redemption_that_is_repeated_succeeds_once_and_a_second_ends_the_grant(scene: Scene, counts: bool) -> None:
    sign_in = scene.stack.sign_in(scene.session.client, scene.session.sign_in.secret)
    first, again = repeat(scene, lambda: scene.stack.redeem(sign_in), 0, counts=counts)
    assert sorted([first.status, again.status]) == [200, 400], "the price of a code: its user begins again"
    tokens = (first if first.status == 200 else again).json
    assert scene.stack.userinfo(tokens["access_token"]).status == 401
    assert scene.stack.refresh(sign_in, tokens["refresh_token"]).status == 400
    assert scene.session.userinfo().status == 200, "the other grants of the app stand"


@requirement("F27", "REV-02")
@pytest.mark.parametrize("counts", [False, True], ids=["before it counts", "after it counts"])
def test_a_revocation_that_is_repeated_is_done(scene: Scene, counts: bool) -> None:
    session = scene.session
    fields = {"token": session.refresh_token}
    first, again = repeat(
        scene, lambda: scene.stack.post("/revoke", session.client, session.sign_in.secret, **fields), 0, counts=counts
    )
    assert (first.status, again.status) == (200, 200)
    assert session.userinfo().status == 401 and session.refresh().status == 400


@requirement("F27", "VLT-07")
@pytest.mark.parametrize("kind", ["static", "grace"])
@pytest.mark.parametrize("at", range(6))
def test_a_hand_out_that_is_repeated_loses_no_token(make_scene: Any, kind: str, at: int) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    first, again = repeat(scene, scene.exchange, at, counts=True)
    assert {first.status, again.status} <= {200, 503}
    assert scene.works(again.json["access_token"]) if again.status == 200 else again.json["error"]
    scene.new_process()
    scene.clock.advance(16)
    assert scene.asks() == "token" and scene.stored() in scene.lives_at_provider()
    assert scene.outside.refreshes <= 2 and scene.connection.attempt_started == 0


@requirement("F27", "VLT-07")
@pytest.mark.parametrize("at", range(0, 8, 2))
def test_giving_everything_back_again_ends_it(scene: Scene, at: int) -> None:
    session = scene.session
    headers = {"Authorization": f"Bearer {session.access}"}
    first, again = repeat(
        scene, lambda: request(session.stack.netloc, "DELETE", "/connections", headers=headers), at, counts=True
    )
    assert first.status in (200, 401, 503) and again.status in (200, 401, 503)
    assert session.refresh().status == 400 and session.userinfo().status == 401
    scene.clock.advance(180)
    scene.run_jobs()
    assert scene.lives_at_provider() == []


@requirement("F27", "CB-01")
@pytest.mark.parametrize("counts", [False, True], ids=["before it counts", "after it counts"])
@pytest.mark.parametrize("at", range(4))
def test_a_callback_that_is_repeated_makes_one_grant(scene: Scene, at: int, counts: bool) -> None:
    stack = scene.stack
    trip = stack.to_callback(scene.session.client, scene.session.sign_in.secret)
    asked = stack.provider.count("token")
    first, again = repeat(scene, lambda: trip.browser.get(trip.callback), at, counts=counts)
    assert first.status in (200, 303) and again.status in (200, 303)
    assert stack.provider.count("token") - asked <= 1
    codes = {answer.answered["code"] for answer in (first, again) if answer.status == 303}
    assert len(codes) == 1
