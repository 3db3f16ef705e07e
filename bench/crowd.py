"""Many hand-outs of one connection at one moment: what comes back, how often the provider is asked, what each costs.

All callers are threads of one process, released together, and so many requests at a time are served as there are
environments, each of which has one; AWS and the provider are another process. A caller that is told to come back does,
after as long as it was told.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import msgspec

from bench.broker import broker_beside
from bench.clock import Meter
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher
from chalicelib.ports import Broker
from chalicelib.records.item_keys import connection_item_key
from chalicelib.routes import create_app
from cli.deployment.operations import Deployment
from local.stack.threaded_app import LambdaContext, make_thread_safe
from tests.deploy.package.sign_in import ACCESS_TOKEN, EXCHANGE
from tests.deploy.package.world import World

# The provider's access token: seconds until its end, of a life of an hour. The margin of refreshing ahead is 300 s.
LIVES = {"fresh": 3000, "about to end": 200, "over": -1}
LIFE = 3600
MOST_RETURNS = 20


@dataclass(frozen=True)
class Rush:
    """One crowd.

    good         callers that got a token in the end
    returns      answers that said to come back, and were followed
    refused      what the other callers were told, and how many
    provider     requests to the provider
    calls        to the table, of all callers
    seconds      from the release to the last answer; cpu: microseconds of a good answer
    """

    state: str
    callers: int
    good: int
    returns: int
    provider: int
    calls: int
    seconds: float
    cpu: float
    refused: dict[str, int]

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


class Crowd:
    """One app with one user's token, and as many callers as are asked for."""

    def __init__(self, world: World, environments: int) -> None:
        self.environments = threading.BoundedSemaphore(environments)
        self.lock = threading.Lock()
        self.broker: Broker = broker_beside(world)
        self.app = create_app(lambda: self.broker)
        make_thread_safe(self.app)
        self.world, self.door = world, world.door(self.app)
        self.deployment = Deployment(self.broker.settings)
        self.counted: Counter[str] = Counter()

    def measure(self, callers: int) -> Iterator[Rush]:
        """A crowd for each state of the provider's token."""
        for state, left in LIVES.items():
            sign_in = self.world.sign_in(self.door)
            token = sign_in.run()["access_token"]
            connection_id = sign_in.hand_out(token)["connection_id"]
            self._set_end(connection_id, left)
            form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
            yield self._rush(state, sign_in.token_event({**form, "audience": connection_id}), callers)

    def _set_end(self, connection_id: str, left: int) -> None:
        place, now = connection_item_key(connection_id), self.broker.clock.now()
        connection = self.deployment.store.read(place).get(place)
        if connection is None:
            raise LookupError(connection_id)
        ends = {"access_expires_at": now + left, "tokens_at": now + left - LIFE}
        self.deployment.put(place, msgspec.structs.replace(connection, **ends))

    def _rush(self, state: str, event: dict[str, Any], callers: int) -> Rush:
        barrier = threading.Barrier(callers + 1)

        def ask(_: int) -> bool:
            barrier.wait()
            return self._ask(event)

        with self._counting(), ThreadPoolExecutor(callers) as pool:
            waiting = [pool.submit(ask, number) for number in range(callers)]
            barrier.wait()
            began = time.monotonic()
            with Meter() as meter:
                good = sum(one.result() for one in waiting)
            seconds = time.monotonic() - began
        counted = {name: self.counted.pop(name, 0) for name in ("returns", "provider", "calls")}
        cpu = meter.microseconds / max(1, good)
        refused = dict(self.counted)
        return Rush(state=state, callers=callers, good=good, seconds=seconds, cpu=cpu, refused=refused, **counted)

    def _ask(self, event: dict[str, Any]) -> bool:
        """Whether a token came in the end."""
        for _ in range(MOST_RETURNS):
            with self.environments:
                answer = self.app(event, LambdaContext())
            if answer["statusCode"] == 200:
                return True
            told = {name.lower(): value for name, value in answer["headers"].items()}
            if "retry-after" not in told:
                break
            self._count("returns")
            time.sleep(int(told["retry-after"]))
        document = json.loads(answer["body"])
        self._count(f"{answer['statusCode']} {document.get('reason', document.get('error'))}")
        return False

    def _count(self, name: str) -> None:
        with self.lock:
            self.counted[name] += 1

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Requests to the provider and calls to the table, where they leave us."""
        self.counted.clear()
        fetch, call = GuardedFetcher.fetch, SignedTransport.call

        def counting(name: str, real: Any) -> Any:
            def counted(*arguments: Any, **more: Any) -> Any:
                self._count(name)
                return real(*arguments, **more)

            return counted

        with (
            patch.object(GuardedFetcher, "fetch", counting("provider", fetch)),
            patch.object(SignedTransport, "call", counting("calls", call)),
        ):
            yield
