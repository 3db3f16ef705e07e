"""A device's code under many requests at one moment to two brokers: polls, browsers, Allow and Cancel."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from chalicelib.endpoints.authorization.new_grant import build_grant
from chalicelib.endpoints.authorization.provider_redirect import redirect_to_provider
from chalicelib.endpoints.callers.clients import load_client_context
from chalicelib.ports import DeviceDecision, Refused, Written
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.handles import secret_hash
from chalicelib.protocol.request import Request
from chalicelib.records.grant import DeviceRequest, Grant
from chalicelib.records.item_keys import client_item_key
from chalicelib.records.sign_in import AuthorizationRequest
from chalicelib.token_issuer import issue_device_code
from local.fake.provider import RunningProvider
from tests.concurrency.races.arena import CROWD, ISSUER, SCOPES, SUB, Arena, Crowd, Ticket
from tests.concurrency.races.travel import Trip, arrive
from tests.kit.http.browser import Answer
from tests.kit.processes import STORES, Process, start_module
from tests.kit.requirement import requirement

T = TypeVar("T")


@pytest.fixture(scope="module", params=STORES)
def arena(request: pytest.FixtureRequest, provider: RunningProvider) -> Iterator[Arena]:
    """A store process, and a client that has the device grant."""
    with pytest.MonkeyPatch.context() as patch, STORES[request.param]() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        found = Arena(endpoint_url, issuer=ISSUER, provider=provider)
        place = client_item_key(found.client.client_id)
        found.client = structs.replace(found.client, grant_types=found.client.grant_types | {DEVICE_CODE})
        found.deployment.put(place, found.client)
        yield found


@pytest.fixture(scope="module")
def brokers(arena: Arena, provider: RunningProvider) -> Iterator[list[str]]:
    """Two processes."""
    options = ("--endpoint-url", arena.endpoint_url, "--issuer", ISSUER, "--provider", provider.url)
    started: list[Process] = [start_module("tests.kit.broker_process", *options) for _ in range(2)]
    yield [str(process.said["url"]) for process in started]
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def crowd(brokers: list[str]) -> Iterator[Crowd]:
    asking = Crowd(brokers, urlsplit(ISSUER).netloc)
    yield asking
    asking.close()


class Waiting:
    """A device that has asked; what its browsers and polls hold."""

    def __init__(self, arena: Arena) -> None:
        broker, now = arena.broker, arena.broker.clock.now()
        secret = broker.entropy.token_bytes(16)
        self.arena, self.grant_id = arena, broker.entropy.token_bytes(16).hex()
        grant = Grant(
            grant_id=self.grant_id, status="device_pending", client_id=arena.client.client_id, decided_at=0,
            expires_at=now + 600, purge_at=now + 900, written_by="", secret_hash=secret_hash(secret), scopes=SCOPES,
            key_version=broker.keys.get("handle").current.version,
            device=DeviceRequest(round=1, ends_at=now + 600, asked_at=now, client_revision=1, poll_interval=5),
        )  # fmt: skip
        assert isinstance(broker.store.claim_grant(grant), Written)
        self.form = {
            "grant_type": DEVICE_CODE, "client_id": arena.client.client_id,
            "device_code": issue_device_code(broker, grant, secret),
        }  # fmt: skip
        self.ticket = Ticket(self.grant_id, "", "")

    def request(self) -> AuthorizationRequest:
        client = self.arena.client
        return AuthorizationRequest(
            client_id=client.client_id, redirect_uri="", scopes=SCOPES, code_challenge="", device_round=1
        )

    def decision(self) -> DeviceDecision:
        """Of a browser of its own."""
        now = self.arena.broker.clock.now()
        return DeviceDecision(
            grant_id=self.grant_id, client_id=self.arena.client.client_id, round=1,
            decision=self.arena.broker.entropy.token_bytes(32), decided_at=now, now=now,
        )  # fmt: skip

    def approve(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """Allowed without a trip."""
        broker = self.arena.broker
        grant = build_grant(
            broker, self.request(), grant_id=self.grant_id, code_secret=b"", decided_at=decided.decided_at, sub=SUB,
            provider_id="demo", connection_id="c" * 32, scopes=SCOPES, auth_time=None, acr="",
            client=self.arena.client, sid="", now=broker.clock.now(),
        )  # fmt: skip
        return broker.store.issue_device(grant, decided, claimed=False)

    def travel(self, provider: RunningProvider, who: str) -> Trip:
        """Allowed, and signed in at the provider; the way back is not walked yet."""
        broker = self.arena.broker
        url, cookies = redirect_to_provider(
            broker, Request(method="POST"), self.request(), load_client_context(broker, self.arena.client.client_id),
            provider_id="demo", allowed=SCOPES, grant_id=self.grant_id, decided_by="page",
        )  # fmt: skip
        back = urlsplit(provider.sign_in(url, who))
        return Trip(f"{back.path}?{back.query}", cookies[0][1].partition(";")[0], self.grant_id, "")


def together(*steps: Callable[[], T]) -> list[T]:
    """All at one moment."""
    gate = threading.Barrier(len(steps))

    def one(step: Callable[[], T]) -> T:
        gate.wait(30)
        return step()

    with ThreadPoolExecutor(len(steps)) as threads:
        return list(threads.map(one, steps))


def errors(answers: Sequence[tuple[int, dict[str, Any]]]) -> Counter[str]:
    return Counter(str(body.get("error", status)) for status, body in answers)


@requirement("DEV-07", "F01")
def test_of_many_polls_at_once_one_gets_the_tokens(arena: Arena, crowd: Crowd, rounds: int) -> None:
    for _ in range(max(1, rounds // 10)):
        device = Waiting(arena)
        assert isinstance(device.approve(device.decision()), Written)
        assert errors(crowd.ask([device.form] * CROWD)) == {"200": 1, "invalid_grant": CROWD - 1}
        assert arena.found(device.ticket).status == "revoked"


@requirement("DEV-03")
def test_of_many_polls_at_once_one_is_in_time_and_each_other_lengthens_the_interval(
    arena: Arena, crowd: Crowd, rounds: int
) -> None:
    for _ in range(max(1, rounds // 10)):
        device = Waiting(arena)
        assert errors(crowd.ask([device.form] * CROWD)) == {"authorization_pending": 1, "slow_down": CROWD - 1}
        kept = arena.found(device.ticket).device
        assert kept is not None and kept.poll_interval == 5 + 5 * (CROWD - 1)


@requirement("DEV-04")
def test_of_browsers_that_allow_and_cancel_at_once_one_has_decided(arena: Arena, rounds: int) -> None:
    ended: Counter[str] = Counter()
    for _ in range(max(1, rounds // 10)):
        device, store = Waiting(arena), arena.broker.store
        first, second, third, fourth = (device.decision() for _ in range(4))
        results = together(
            partial(device.approve, first),
            partial(store.deny_device, second),
            partial(store.claim_device, third, until=third.now + 60),
            partial(store.deny_device, fourth),
        )
        status = arena.found(device.ticket).status
        won = {number for number, result in enumerate(results) if isinstance(result, Written)}
        assert len(won) == 1
        assert status == ("issued", "device_denied", "exchanging", "device_denied")[won.pop()]
        ended[status] += 1
    assert sum(ended.values()) == max(1, rounds // 10)


@requirement("DEV-04", "DEV-05", "CB-01")
def test_of_two_browsers_with_one_code_one_signs_the_device_in(
    arena: Arena, provider: RunningProvider, brokers: list[str], crowd: Crowd, rounds: int
) -> None:
    for _ in range(max(1, rounds // 10)):
        device, before = Waiting(arena), provider.count("token")
        trips = [device.travel(provider, who) for who in ("alice", "bob")]
        answers: list[Answer] = together(*(partial(arrive, url, arena, trip) for trip in trips for url in brokers))
        assert provider.count("token") == before + 1
        told = ["You’re signed in on" in answer.body or "Finishing your sign-in" in answer.body for answer in answers]
        assert told in ([True, True, False, False], [False, False, True, True]), [one.body[-400:] for one in answers]
        (status, body), *_ = crowd.ask([device.form])
        assert (status, "access_token" in body) == (200, True), body
        winner = 0 if told[0] else 1
        assert "You’re signed in on" in arrive(brokers[0], arena, trips[winner]).body
        assert "This code has expired or was already used" in arrive(brokers[1], arena, trips[1 - winner]).body


@requirement("DEV-07", "F01")
def test_without_the_condition_the_same_harness_counts_two_answers(arena: Arena) -> None:
    options = ("--issuer", arena.issuer, "--endpoint-url", arena.endpoint_url, "--without-conditions")
    started = [start_module("tests.kit.broker_process", *options) for _ in range(2)]
    crowd = Crowd([process.said["url"] for process in started], urlsplit(arena.issuer).netloc)
    try:
        device = Waiting(arena)
        assert isinstance(device.approve(device.decision()), Written)
        assert errors(crowd.ask([device.form] * CROWD))["200"] > 1
    finally:
        crowd.close()
        for process in started:
            process.stop()
