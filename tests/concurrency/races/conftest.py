"""Stores, arenas and pairs of brokers for the races."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.ports import find_port
from tests.concurrency.races.arena import ISSUER, Arena, Crowd
from tests.kit.processes import STORES, Process, start_module

ROUNDS = {"moto": 20, "ministack": 200}
"""As often as the promises say where the store is of others; the embedded one serves a call at a time: a tenth."""


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often to race on the store of this test."""
    chosen = request.node.callspec.params
    return int(os.environ.get("RACE_ROUNDS", ROUNDS[chosen.get("arena") or chosen["vault"]]))


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    """The demo provider, in this process, so that its requests can be counted."""
    running = start_provider(0, "127.0.0.2")
    yield running
    running.stop()


@pytest.fixture(scope="module", params=STORES)
def arena(request: pytest.FixtureRequest) -> Iterator[Arena]:
    """A store process, moto and then ministack, with keysets, a client and a user."""
    with pytest.MonkeyPatch.context() as patch, STORES[request.param]() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        yield Arena(endpoint_url, issuer=ISSUER)


@pytest.fixture(scope="module")
def crowd(arena: Arena) -> Iterator[Crowd]:
    """Two broker processes by the real command, and eight who ask at one moment."""
    started: list[Process] = []
    urls: list[str] = []
    for _ in range(2):
        port = str(find_port("127.0.0.1"))
        options = ("--port", port, "--issuer", ISSUER, "--endpoint-url", arena.endpoint_url, "--json")
        started.append(start_module("local.serve", *options))
        urls.append(f"http://127.0.0.1:{port}")
    asking = Crowd(urls, urlsplit(ISSUER).netloc)
    yield asking
    asking.close()
    for process in started:
        process.stop()
