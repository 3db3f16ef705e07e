"""CPU of a sign-in, a refresh, a hand-out and a proxied call, beside the sum of their fixed parts.

All in one process and one run, alternately: the broker (client authentication and logging included), then each part.
AWS and the provider are another process, so that only our side of every call is counted.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from bench.broker import MeteredApp, broker_beside, call_through
from bench.calls import BareCalls, Key, snapshot
from bench.clock import Meter, middle
from bench.dispatch import BareApp
from bench.fetches import BareFetches
from bench.recording import Recorded, recording
from bench.signatures import BareSignatures
from chalicelib.routes import create_app
from tests.deploy.package.world import World

TABLES = ("broker", "broker-keys")
PARTS = ("calls", "signatures", "dispatch", "provider")
SIGN_IN = ("page", "decision", "callback", "code exchange")
AFTERWARDS = ("refresh", "hand-out", "proxied call")
Spent = dict[str, float]


@dataclass(frozen=True)
class Parts:
    """The fixed parts of one step, ready to be repeated."""

    calls: BareCalls
    signatures: BareSignatures
    apps: list[tuple[BareApp, dict[str, Any]]]
    fetches: BareFetches

    def measure(self) -> dict[str, float]:
        """CPU microseconds of each part, once."""
        self.calls.restore()
        return {
            "calls": _spent(self.calls.run),
            "signatures": _spent(self.signatures.run),
            "dispatch": _spent(self._dispatch),
            "provider": _spent(self.fetches.run),
        }

    def _dispatch(self) -> None:
        for app, event in self.apps:
            app(event, None)


@dataclass
class Taken:
    """One step as it was written down: what stood in the tables before it, what it did, its events."""

    before: dict[Key, dict[str, Any]]
    recorded: Recorded
    events: list[tuple[dict[str, Any], dict[str, Any]]]

    def parts(self, endpoint_url: str) -> Parts:
        """Its fixed parts."""
        return Parts(
            calls=BareCalls(endpoint_url, self.recorded.calls, self.before),
            signatures=BareSignatures(self.recorded.signatures),
            apps=[(BareApp(event, result), event) for event, result in self.events],
            fetches=BareFetches(self.recorded.fetches),
        )


@dataclass(frozen=True)
class Figure:
    """Median CPU microseconds of one step: the broker's, and each part's; and what the step asks of others."""

    step: str
    broker: float
    parts: dict[str, float]
    operations: list[str]
    signatures: int

    @property
    def ratio(self) -> float:
        """The broker against the sum of its parts."""
        return self.broker / sum(self.parts.values())

    @property
    def ratio_without_provider(self) -> float:
        """The same with the requests to the provider left out of the sum, though not out of the broker's figure."""
        return self.broker / sum(cost for name, cost in self.parts.items() if name != "provider")


class Cpu:
    """The broker and its parts in this process."""

    def __init__(self, world: World) -> None:
        broker = broker_beside(world)
        self.world = world
        self.app = MeteredApp(create_app(lambda: broker))
        self.door = world.door(self.app)

    def measure(self, rounds: int) -> list[Figure]:
        """Every step `rounds` times, broker and parts in turn; the whole sign-in is the sum of its four requests."""
        taken = self._write_down()
        parts = {step: one.parts(self.world.neighbours.endpoint_url) for step, one in taken.items()}
        broker: list[Spent] = []
        fixed: list[dict[str, Spent]] = []
        for _ in range(rounds):
            broker.append(self._round())
            fixed.append({step: one.measure() for step, one in parts.items()})
        groups = {**{step: (step,) for step in (*AFTERWARDS, *SIGN_IN)}, "whole sign-in": SIGN_IN}
        return [
            Figure(
                step=name,
                broker=middle(sum(one[step] for step in steps) for one in broker),
                parts={part: middle(sum(one[step][part] for step in steps) for one in fixed) for part in PARTS},
                operations=[call.operation for step in steps for call in taken[step].recorded.calls],
                signatures=sum(len(taken[step].recorded.signatures) for step in steps),
            )
            for name, steps in groups.items()
        ]

    def _round(self) -> Spent:
        """What each request of a sign-in and of what follows cost the broker."""
        spent: Spent = {}

        @contextmanager
        def around(step: str) -> Iterator[None]:
            self.app.take()
            yield
            spent[step] = self.app.take()

        self._go(around)
        return spent

    def _write_down(self) -> dict[str, Taken]:
        """One round of a user who is known already, everything warm, with what each request does."""
        taken: dict[str, Taken] = {}

        @contextmanager
        def around(step: str) -> Iterator[None]:
            before = snapshot(self.world.neighbours.endpoint_url, TABLES)
            self.app.take()
            with recording() as recorded:
                yield
            taken[step] = Taken(before, recorded, list(self.app.seen))

        for _ in range(3):
            self._round()
        self._go(around)
        return taken

    def _go(self, around: Callable[[str], AbstractContextManager[None]]) -> None:
        """A sign-in of a known user in a new browser, a refresh, and the provider's token and API while it is fresh."""
        sign_in = self.world.sign_in(self.door)
        with around("page"):
            form = sign_in.authorize()
        with around("decision"):
            at_provider = sign_in.decide(form)
        back = sign_in.visit(at_provider)
        with around("callback"):
            code = sign_in.call_back(back)
        with around("code exchange"):
            tokens = sign_in.redeem(code)
        with around("refresh"):
            tokens = sign_in.refresh(tokens["refresh_token"])
        with around("hand-out"):
            sign_in.hand_out(tokens["access_token"])
        with around("proxied call"):
            call_through(self.door, tokens["access_token"])


def _spent(act: Callable[[], object]) -> float:
    with Meter() as meter:
        act()
    return meter.microseconds
