"""A function whose clock is off by up to five minutes beside one whose clock is right (RELIABILITY F10).

What a wrong clock cannot know is how late it is: it may refuse too early, or take a thing for as much longer as it is
behind. It never brings back what has ended, never lets a thing be used twice, and never lets an old token overwrite a
newer one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from chalicelib.ports import Broker
from chalicelib.vault.revocation import revoke_consent
from tests.kit.connection_scene import Frozen, Scene, in_parallel
from tests.kit.http.account_page import look, press
from tests.kit.http.browser import Answer, request
from tests.kit.http.tokens import Session, start_session
from tests.kit.requirement import requirement

SKEWS = [-300, -20, 20, 300]
ACCESS_SECONDS = 600
T = TypeVar("T")


class SkewedClock:
    """The right clock, so many seconds off."""

    def __init__(self, right: Any, skew: int) -> None:
        self._right, self._skew = right, skew

    def now(self) -> int:
        return int(self._right.now()) + self._skew


def build_skewed(scene: Scene, skew: int) -> Broker:
    """Another process of the same broker, every adapter of which has the wrong clock."""
    right, scene.stack.clock = scene.stack.clock, SkewedClock(scene.stack.clock, skew)  # type: ignore[assignment]
    try:
        return scene.with_hands(scene.stack.build(dynamodb=scene.line))
    finally:
        scene.stack.clock = right


def ask_at(scene: Scene, broker: Broker, ask: Callable[[], T]) -> T:
    """A request that reaches that process."""
    scene.stack.broker = broker
    return ask()


def end_at_app(session: Session) -> int:
    """The app gives everything back."""
    headers = {"Authorization": f"Bearer {session.access}"}
    return request(session.stack.netloc, "DELETE", "/connections", headers=headers).status


def end_by_user(session: Session) -> int:
    """The user takes everything back from the app."""
    browser = session.sign_in.browser
    answer: Answer = press(browser, look(browser), f"end_app_sure {session.client.client_id}")
    return answer.status


@requirement("F10")
@pytest.mark.parametrize("skew", SKEWS)
def test_nothing_expired_is_taken_for_longer_than_the_clock_is_behind(scene: Scene, skew: int) -> None:
    right, wrong = scene.stack.broker, build_skewed(scene, skew)
    ends = scene.session.claims["exp"]
    for seconds in sorted({ACCESS_SECONDS - 1, ACCESS_SECONDS, ACCESS_SECONDS + max(-skew, 0), ACCESS_SECONDS + 300}):
        scene.clock.advance(scene.session.claims["iat"] + seconds - scene.clock.now())
        for broker, off in ((right, 0), (wrong, skew)):
            taken = ask_at(scene, broker, scene.session.userinfo).status == 200
            assert taken <= (scene.clock.now() + off < ends), (seconds, off)


@requirement("F10")
@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("first", ["right", "wrong"])
def test_a_code_and_a_refresh_token_are_good_once_whoever_is_asked(scene: Scene, skew: int, first: str) -> None:
    right, wrong = scene.stack.broker, build_skewed(scene, skew)
    sooner, later = (right, wrong) if first == "right" else (wrong, right)
    sign_in = scene.stack.sign_in(scene.session.client, scene.session.sign_in.secret)
    answers = [ask_at(scene, broker, lambda: scene.stack.redeem(sign_in)) for broker in (sooner, later)]
    assert [answer.status for answer in answers].count(200) <= 1
    answers = [ask_at(scene, broker, scene.session.refresh) for broker in (sooner, later)]
    successors = {answer.json["refresh_token"] for answer in answers if answer.status == 200}
    assert len(successors) <= 1
    scene.stack.broker = right
    ended = scene.session.grant().status == "revoked"
    assert ended or scene.session.refresh(successors.pop()).status == 200


@requirement("F10", "REV-03")
@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("end", [end_at_app, end_by_user])
def test_what_a_function_with_a_wrong_clock_has_ended_is_over_everywhere(scene: Scene, skew: int, end: Any) -> None:
    right, wrong = scene.stack.broker, build_skewed(scene, skew)
    scene.clock.advance(305)  # a clock that is five minutes behind takes the first app's token by now
    given = (scene.session.client, scene.session.sign_in.secret)
    newer = start_session(scene.stack, client=given)
    status = ask_at(scene, wrong, lambda: end(scene.session))
    if status != 200:  # over for a clock that is ahead; or the page is older than a decision, for one that is behind
        assert status == (401 if end is end_at_app else 403)
    scene.stack.broker = right
    for session in (scene.session, newer) if status == 200 else ():
        # A grant of which that clock knows nothing keeps a token with which nothing may be done.
        assert session.userinfo().status in (401, 403) and session.refresh().status == 400
        assert session.exchange().status == 400


@requirement("F10", "REV-03")
def test_a_function_whose_clock_is_behind_takes_no_earlier_mark_back(scene: Scene) -> None:
    wrong, broker = build_skewed(scene, -300), scene.stack.broker
    place = scene.session.consent_place()
    for one in (broker, wrong):
        sub, client_id = scene.session.claims["sub"], scene.session.client.client_id
        revoke_consent(one, sub, client_id, broker.store.read(place).get(place))
        assert scene.session.userinfo().status == 401


@requirement("F10", "REV-03")
def test_what_a_slow_clock_has_marked_ends_what_is_known_to_be_decided(scene: Scene) -> None:
    wrong, store, session = build_skewed(scene, -300), scene.stack.broker.store, scene.session
    place = session.consent_place()
    revoke_consent(wrong, session.claims["sub"], session.client.client_id, store.read(place).get(place))
    assert session.userinfo().status == 401 and session.refresh().status == 400


@requirement("F10", "VLT-07")
@pytest.mark.parametrize("skew", SKEWS)
def test_of_two_who_refresh_one_connection_an_older_token_never_overwrites_a_newer_one(
    make_scene: Any, skew: int
) -> None:
    scene: Scene = make_scene("grace")
    right, wrong = scene.stack.broker, build_skewed(scene, skew)
    scene.clock.advance(295)  # the app's token is good by either clock
    scene.age(121 + 300)  # over for a clock that is behind as well
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        scene.stack.broker = wrong
        holder = in_parallel(scene.asks, frozen, pool)
        scene.stack.broker = right
        came = scene.asks()
        newer = scene.stored("access_token") if came == "token" else ""
        frozen.go.set()
        assert holder.result() in ("token", "later")
    assert came in ("token", "later")
    assert newer in ("", scene.stored("access_token"))
    scene.clock.advance(316)
    scene.expire()
    scene.age(300)
    assert scene.asks() == "token" and scene.stored() in scene.lives_at_provider()
