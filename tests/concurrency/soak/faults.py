"""What goes wrong, one at a time: each begins, lasts, and ends."""

import random
import threading
import time
from collections.abc import Callable

from tests.kit.traffic.history import History
from tests.kit.traffic.world import World

MORTAL = 1
"""The broker that is killed and frozen; the other one lives through all of it, so that its memory can be watched."""


class Plague:
    """Plays every kind of fault, in another order each round."""

    def __init__(self, world: World, history: History, seed: int) -> None:
        self.world, self.history, self.chance = world, history, random.Random(seed)
        self.kinds: dict[str, Callable[[], None]] = {
            "broker killed": self.kill_broker,
            "broker frozen 4 s": self.freeze_broker,
            "database killed": self.world.kill_database,
            "10 % throttled 5 s": lambda: self.both(5, throttled=0.1),
            "50 % throttled 5 s": lambda: self.both(5, throttled=0.5),
            "100 % throttled 3 s": lambda: self.both(3, throttled=1.0),
            "20 % of answers of the table lost 5 s": lambda: self.both(5, lost=0.2),
            "clocks 8 s apart 9 s": self.skew,
            "clocks 8 s apart 9 s, the other way": lambda: self.skew(-1),
            "provider answers 503 5 s": lambda: self.provider(5, status=503, at=frozenset({"token", "revoke"})),
            "provider loses an answer": lambda: self.provider(3, lose_answer=True, times=1),
            "provider slow 4 s": lambda: self.provider(4, slow_seconds=3.0),
            "provider cuts a body": lambda: self.provider(3, cut=True, times=1),
            "provider answers HTML": lambda: self.provider(3, html=True, times=2),
        }

    def run(self, stopped: threading.Event, every: float) -> None:
        """One after the other, so many seconds from beginning to beginning, or as long as one lasts."""
        order, began = list[str](), time.monotonic()
        while not stopped.wait(max(0.0, began + every - time.monotonic())):
            order, began = order or self.chance.sample(sorted(self.kinds), len(self.kinds)), time.monotonic()
            self.play(order.pop())

    def play(self, name: str) -> None:
        """One, from its beginning to its end."""
        self.history.struck(name)
        self.kinds[name]()

    def kill_broker(self) -> None:
        """SIGKILL; the load balancer leaves it alone until it is back."""
        self.world.kill_broker(MORTAL)
        self.world.start_broker(MORTAL)

    def freeze_broker(self) -> None:
        """SIGSTOP with requests on their way, then it goes on as if nothing had been."""
        broker = self.world.brokers[MORTAL]
        self.world.down.add(MORTAL)
        broker.freeze()
        time.sleep(4)
        broker.thaw()
        self.world.down.discard(MORTAL)

    def both(self, seconds: float, **faults: float) -> None:
        """On the way of both brokers to the table."""
        self.world.plan(0, 1, **faults)
        time.sleep(seconds)
        self.world.plan(0, 1)

    def skew(self, sign: int = 1) -> None:
        """One is ahead, the other behind."""
        self.world.plan(0, skew=4 * sign)
        self.world.plan(1, skew=-4 * sign)
        time.sleep(9)
        self.world.plan(0, 1)

    def provider(self, seconds: float, **how: object) -> None:
        """At its token endpoint, unless said."""
        for name, value in how.items():
            setattr(self.world.provider.faults, name, value)
        time.sleep(seconds)
        self.world.provider.faults.reset()
