"""Throttling of a part of all calls at the table, of half of them, and of all (RELIABILITY F13)."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import AwsRefusal
from tests.kit.connection_scene import Scene
from tests.kit.http.browser import Answer
from tests.kit.requirement import requirement

ROUNDS = 12
MAY_SAY = {200, 303, 400, 503}


class Throttle:
    """Refuses a share of all calls, in an order that its seed fixes."""

    def __init__(self, inner: Any, share: float, seed: int = 1) -> None:
        self._inner, self._share, self._chance = inner, share, random.Random(seed)
        self.calls = self.refused = 0

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        self.calls += 1
        if self._chance.random() < self._share:
            self.refused += 1
            raise AwsRefusal("ProvisionedThroughputExceededException")
        answer: dict[str, Any] = self._inner.call(operation, payload)
        return answer


class Traffic:
    """One app that goes on refreshing and asking for the provider's token, and what it was told."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.token, self.good = scene, scene.session.refresh_token, 0

    def go_on(self) -> None:
        """One of each; nothing but tokens or "later"."""
        answer = self.ask(lambda: self.scene.session.refresh(self.token))
        if answer.status == 200:
            self.token, self.good = answer.json["refresh_token"], self.good + 1
            self.scene.session.tokens = answer.json
        if self.good % 3 == 1:
            self.scene.expire()
        answer = self.ask(self.scene.session.exchange)
        if answer.status == 200:
            self.good += 1
            assert self.scene.works(answer.json["access_token"])

    @staticmethod
    def ask(send: Callable[[], Answer]) -> Answer:
        """Later is an answer, anything else of that kind is none."""
        answer = send()
        assert answer.status in (200, 503), (answer.status, answer.body)
        assert answer.status == 200 or "access_token" not in answer.body
        return answer


@requirement("F13", "GEN-13")
@pytest.mark.parametrize("percent", [10, 50, 100])
def test_throttling_costs_time_or_says_later_and_breaks_nothing(make_scene: Any, percent: int) -> None:
    scene: Scene = make_scene("grace")
    traffic, unused = Traffic(scene), scene.stack.sign_in(scene.session.client, scene.session.sign_in.secret)
    throttle = Throttle(scene.stack.dynamodb, percent / 100)
    scene.line.inner = throttle
    for _ in range(ROUNDS):
        traffic.go_on()
        scene.clock.advance(1)
    redeemed = [scene.stack.redeem(unused).status for _ in range(2)]
    scene.line.inner = scene.stack.dynamodb
    assert throttle.refused and (traffic.good > 0) == (percent < 100)
    assert redeemed.count(200) <= 1 and set(redeemed) <= {200, 400, 503}
    check_recovered(scene, traffic)


def check_recovered(scene: Scene, traffic: Traffic) -> None:
    """Five seconds after its end everything goes on, and nothing has been lost."""
    scene.clock.advance(5)
    scene.session.tokens = scene.session.refresh(traffic.token).json
    connection = scene.connection
    waits = connection.lease_until > scene.clock.now()  # its holder was told "later" and left: a crash like any other
    scene.clock.advance(16 if waits else 0)
    assert scene.asks() == "token"
    assert scene.connection.status == "active" and scene.stored() in scene.lives_at_provider()
    other = scene.other_app()
    assert other.exchange().status == 200 and other.refresh().status == 200


@requirement("F13")
@pytest.mark.parametrize("percent", [50, 100])
def test_a_sign_in_under_throttling_ends_in_a_code_or_can_be_begun_again(scene: Scene, percent: int) -> None:
    stack, client = scene.stack, scene.session.client
    scene.line.inner = Throttle(stack.dynamodb, percent / 100, seed=4)
    before = len(stack.provider.grants.families)
    for _ in range(3):
        page = stack.authorize(stack.authorize_parameters(client), browser := stack.browser())
        assert page.status in (200, 503), page.body[-300:]
        if page.status == 200:
            assert stack.decide(browser, page, provider="demo").status in (200, 503)
    scene.line.inner = stack.dynamodb
    assert len(stack.provider.grants.families) == before
    assert stack.redeem(stack.sign_in(client, scene.session.sign_in.secret)).status == 200
