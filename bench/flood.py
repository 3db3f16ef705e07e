"""What the others notice of one app's flood: their hand-outs with and without it, by turns in one run.

One app asks a hundred times as often as each of the others, is told to wait when it is over its limit, and goes on. An
execution environment serves one request at a time, so all take turns in one; that a flood leaves environments free for
the others is up to the account.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from bench.broker import broker_beside
from bench.clock import Meter, share
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.routes import create_app
from tests.deploy.package.events import Answer
from tests.deploy.package.world import World

OTHERS, TIMES = 9, 100
TURN_SECONDS = 0.5
LIMIT = 150  # requests a minute of one app: the others stay below it, at two turns a second


@dataclass
class Turn:
    """Requests of one kind: milliseconds of each, those that were answered well, calls to AWS, CPU of all in
    microseconds."""

    milliseconds: list[float] = field(default_factory=list)
    good: int = 0
    told_to_wait: int = 0
    calls: int = 0
    cpu: float = 0.0

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return share(self.milliseconds, 0.5)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return share(self.milliseconds, 0.99)


class Flood:
    """Ten apps with a secret each, of a user each, in one environment; the first one is the flood."""

    def __init__(self, world: World) -> None:
        world.environ["BROKER_REQUESTS_PER_CLIENT"] = str(LIMIT)
        broker = broker_beside(world)
        self.world, self.door = world, world.door(create_app(lambda: broker))
        self.calls = 0
        self.hot, *self.others = (self._app(number) for number in range(1 + OTHERS))

    def measure(self, rounds: int) -> dict[str, Turn]:
        """Rounds with and without the flood, by turns, each as long as the other, since caches grow old."""
        turns = {"without": Turn(), "with": Turn(), "flood": Turn()}
        with self._counting():
            for number in range(2 * rounds):
                ends = time.monotonic() + TURN_SECONDS
                flooded = number % 2 == 1
                for _ in range(TIMES if flooded else 0):
                    self._take(turns["flood"], self.hot)
                for ask in self.others:
                    self._take(turns["with" if flooded else "without"], ask)
                time.sleep(max(0.0, ends - time.monotonic()))
        return turns

    def _app(self, number: int) -> Callable[[], Answer]:
        """One more app, signed in: what it sends again and again."""
        app, secret = self.world.register_app(self.world.neighbours.endpoint_url, "client_secret_basic")
        sign_in = replace(self.world.sign_in(self.door, f"user-{number}"), app=app, client_secret=secret)
        event = sign_in.hand_out_event(sign_in.run()["access_token"])
        return lambda: self.door.invoke(event)

    def _take(self, turn: Turn, ask: Callable[[], Answer]) -> None:
        calls, began = self.calls, time.perf_counter()
        with Meter() as meter:
            status = ask().status
        turn.milliseconds.append(1000 * (time.perf_counter() - began))
        turn.calls += self.calls - calls
        turn.cpu += meter.microseconds
        turn.good += status == 200
        turn.told_to_wait += status == 429

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Calls to AWS, where they leave us."""
        call = SignedTransport.call

        def counted(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            return call(*arguments, **more)

        with patch.object(SignedTransport, "call", counted):
            yield
