"""One state goes on once: many callbacks at two brokers, late ones, and those of other browsers."""

import contextlib
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.fake.provider import RunningProvider
from tests.concurrency.races.arena import CROWD, ISSUER, Arena, post
from tests.concurrency.races.travel import Trip, arrive, arrive_together, travel
from tests.kit.processes import STORES, Process, start_module
from tests.kit.requirement import requirement

Start = Callable[..., str]


@pytest.fixture(scope="module", params=STORES)
def arena(request: pytest.FixtureRequest, provider: RunningProvider) -> Iterator[Arena]:
    """A store process, and a user who can sign in at the provider."""
    with pytest.MonkeyPatch.context() as patch, STORES[request.param]() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        yield Arena(endpoint_url, issuer=ISSUER, provider=provider)


@pytest.fixture(scope="module")
def start(arena: Arena, provider: RunningProvider) -> Iterator[Start]:
    """Starts broker processes that reach the provider; their addresses."""
    started: list[Process] = []

    def one(*options: str) -> str:
        common = ("--endpoint-url", arena.endpoint_url, "--issuer", ISSUER, "--provider", provider.url)
        started.append(start_module("tests.kit.broker_process", *common, *options))
        return str(started[-1].said["url"])

    yield one
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def brokers(start: Start) -> list[str]:
    """Two for most of the tests."""
    return [start() for _ in range(2)]


def ask(url: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
    """POST /token at one broker, on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        return post(connection, form, host=urlsplit(ISSUER).netloc)
    finally:
        connection.close()


def redeem(url: str, arena: Arena, trip: Trip, code: str) -> int:
    """The status of redeeming what a callback brought."""
    return ask(url, arena.redemption(trip.ticket(code)))[0]


@contextlib.contextmanager
def hold_for_a_second(provider: RunningProvider) -> Iterator[None]:
    """No code is redeemed before another request stands beside it; six seconds, in case there is none."""
    grants, both = provider.grants, threading.Barrier(2)
    redeem = grants.redeem

    def held(*arguments: Any, **more: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(6)
        return redeem(*arguments, **more)

    grants.redeem = held  # type: ignore[method-assign]
    try:
        yield
    finally:
        grants.redeem = redeem  # type: ignore[method-assign]


@requirement("CB-01", "F01")
def test_callbacks_with_one_state_go_on_once(
    arena: Arena, provider: RunningProvider, brokers: list[str], rounds: int
) -> None:
    for _ in range(max(1, rounds // 10)):
        trip, before = travel(arena, provider), provider.count("token")
        answers = arrive_together(brokers, arena, trip, CROWD)
        assert provider.count("token") == before + 1
        codes = {answer.answered["code"] for answer in answers if answer.status == 303}
        assert len(codes) == 1
        assert {answer.status for answer in answers} <= {200, 303}
        (code,) = codes
        assert arrive(brokers[1], arena, trip).answered["code"] == code
        assert redeem(brokers[0], arena, trip, code) == 200


@requirement("CB-15")
def test_sixteen_sign_ins_of_one_user_at_one_moment_all_succeed(
    arena: Arena, provider: RunningProvider, brokers: list[str]
) -> None:
    trips, gate = [travel(arena, provider) for _ in range(16)], threading.Barrier(16)

    def one(number: int) -> int:
        gate.wait(30)
        return arrive(brokers[number % 2], arena, trips[number]).status

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(one, range(16))) == [303] * 16


@requirement("CB-01")
def test_a_second_callback_after_the_code_has_ended_goes_on_nowhere(
    arena: Arena, provider: RunningProvider, start: Start
) -> None:
    hasty = [start("--code-seconds", "1") for _ in range(2)]
    trip = travel(arena, provider)
    code = arrive(hasty[0], arena, trip).answered["code"]
    before = provider.count("token")
    time.sleep(2)
    for url in hasty:
        late = arrive(url, arena, trip)
        assert (late.status, late.header("location")) == (400, None)
    assert provider.count("token") == before
    assert redeem(hasty[0], arena, trip, code) == 400


@requirement("CB-02")
def test_a_callback_without_the_cookie_of_the_one_who_decided_goes_on_nowhere(
    arena: Arena, provider: RunningProvider, brokers: list[str]
) -> None:
    trip, before = travel(arena, provider), provider.count("token")
    stranger = arrive(brokers[0], arena, trip, cookie=False)
    assert stranger.status in (400, 403)
    assert stranger.header("location") is None
    assert provider.count("token") == before
    assert arrive(brokers[1], arena, trip).status == 303


@requirement("CB-01")
def test_without_the_condition_the_provider_is_asked_more_than_once(
    arena: Arena, provider: RunningProvider, start: Start
) -> None:
    urls = [start("--without-conditions") for _ in range(2)]
    trip, before = travel(arena, provider), provider.count("token")
    with hold_for_a_second(provider):
        arrive_together(urls, arena, trip, CROWD)
    assert provider.count("token") - before > 1
