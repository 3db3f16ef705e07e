"""The busiest hour of a deployment with so many users a day: environments, cold starts, KMS, heat and throttling.

A discrete-event model. Requests come at random (Poisson) at the rate of the busiest hour; Lambda gives each to the
environment that was used last, or starts one; one that is idle for long goes. A request takes what was counted. What an
environment has read or opened serves it for the ages that the broker keeps to. Each item lies in one partition of the
table, and a partition serves so many units a second; a request that goes over is counted as throttled.
"""

import heapq
import math
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.cost.counting import Counted
from bench.cost.pricing import MILLION, Counts, Prices, a_million, milliseconds, standing

HOUR = 3600
OPEN_AGE = 300
NEVER = -float(HOUR)
DAYS = 30.4
RAMP = 120  # seconds before the hour in which the rate rises; nothing of it is counted but what stands then
MOST_REQUESTS = 200_000
KINDS = {
    "sign-in": "sign_ins_a_day",
    "refresh": "refreshes_a_day",
    "hand-out": "hand_outs_a_day",
    "call through the proxy": "proxied_a_day",
}


@dataclass
class Environment:
    """One execution environment; times in seconds of the hour."""

    free_at: float = 0.0
    opened_at: float = NEVER
    keysets_read_at: float = NEVER
    clients_read_at: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hour:
    """What the busiest hour showed.

    rate           requests a second;  environments  most at once;  openings  of keysets by KMS
    hottest        most units a second of one item, and its name
    throttled      requests that met a full partition
    month          USD of all days of a month, KMS and what stands still included
    """

    users: int
    requests: int
    rate: float
    environments: int
    cold: int
    openings: int
    hottest: float
    hottest_item: str
    throttled: int
    month: float
    kms_month: float


class Table:
    """Units spent in the present second, by partition and by item."""

    def __init__(self, behaviour: Any) -> None:
        self._limits = {name: behaviour[f"partition_{name}_units"] for name in ("read", "write")}
        self._partitions = behaviour["partitions"]
        self._second = -1
        self._spent: dict[tuple[int, str], float] = {}
        self._heat: dict[str, float] = {}
        self.hottest = (0.0, "")

    def spend(self, second: int, item: str, *, read: float = 0.0, write: float = 0.0) -> bool:
        """Whether the item's partition had room."""
        if second != self._second:
            self._second, self._spent, self._heat = second, defaultdict(float), defaultdict(float)
        partition, room = zlib.crc32(item.encode()) % self._partitions, True
        for name, units in (("read", read), ("write", write)):
            self._spent[partition, name] += units
            room &= self._spent[partition, name] <= self._limits[name]
        self._heat[item] += read + write
        self.hottest = max(self.hottest, (self._heat[item], item))
        return room


class Simulation:
    """One deployment with `users` a day. The same seed gives the same figures."""

    def __init__(self, users: int, counts: Counts, prices: Prices, *, seed: int = 1) -> None:
        self.users, self.counts, self.prices = users, counts, prices
        self.behaviour: dict[str, Any] = prices["behaviour"]
        self.chance = random.Random(seed)  # noqa: S311 -- a model has to be repeatable
        self.table = Table(self.behaviour)
        self.idle: list[Environment] = []
        self.busy: list[tuple[float, int, Environment]] = []
        self.cold = self.openings = self.throttled = self.most = 0

    def run(self) -> Hour:
        """The busiest hour, or as much of it as MOST_REQUESTS fill."""
        number, at, before = 0, 0.0, 0
        for number, (at, one) in enumerate(self._arrivals(), 1):
            if at < 0:
                before = number
                self.cold = self.openings = self.throttled = self.most = 0
            self._serve(number, at, one)
            if number - before >= MOST_REQUESTS:
                break
        counted = number - before
        return self._hour(counted, at / HOUR if counted >= MOST_REQUESTS else 1.0)

    def _hour(self, requests: int, share: float) -> Hour:
        openings_a_month = self.openings / share / self.behaviour["busiest_hour"] * 24 * DAYS
        kms = openings_a_month * self.prices["others"]["million_kms_requests"] / MILLION
        things = [(self.behaviour[often], self.counts.things[kind]) for kind, often in KINDS.items()]
        a_user = sum(often * a_million(one, "REST API", self.prices) for often, one in things)
        return Hour(
            users=self.users,
            requests=round(requests / share),
            rate=requests / (HOUR * share),
            environments=self.most,
            cold=round(self.cold / share),
            openings=round(self.openings / share),
            hottest=self.table.hottest[0],
            hottest_item=self.table.hottest[1],
            throttled=round(self.throttled / share),
            month=self.users * DAYS * a_user / MILLION + standing(self.prices) + kms,
            kms_month=kms,
        )

    def _arrivals(self) -> Iterator[tuple[float, Counted]]:
        """The second of each request in order, and of what it is one request."""
        things = {self.counts.things[kind].requests * self.behaviour[often]: kind for kind, often in KINDS.items()}
        a_second = self.users * sum(things) / 86400 * self.behaviour["busiest_hour"]
        at = -RAMP + self.chance.expovariate(a_second)
        while at < HOUR:
            (kind,) = self.chance.choices(list(things.values()), list(things))
            if at >= 0 or self.chance.random() < 1 + at / RAMP:
                yield at, self.counts.things[kind]
            at += self.chance.expovariate(a_second)

    def _serve(self, number: int, at: float, one: Counted) -> None:
        environment, waits = self._environment(at)
        self.throttled += not self._read_and_write(at, environment, one, number)
        took = milliseconds(one, self.prices) / 1000 / one.requests
        environment.free_at = at + waits + took
        heapq.heappush(self.busy, (environment.free_at, number, environment))
        self.most = max(self.most, len(self.busy))

    def _environment(self, at: float) -> tuple[Environment, float]:
        """The one that was used last, or a new one; and the seconds that it takes to begin."""
        while self.busy and self.busy[0][0] <= at:
            self.idle.append(heapq.heappop(self.busy)[2])
        if self.idle and at - self.idle[-1].free_at <= self.behaviour["environment_idle_seconds"]:
            return self.idle.pop(), 0.0
        self.idle.clear()  # the others are idle for even longer
        self.cold += 1
        return Environment(), self.behaviour["init_milliseconds"] / 1000

    def _read_and_write(self, at: float, environment: Environment, one: Counted, number: int) -> bool:
        """Whether every partition that this request needs had room."""
        second, app, each = math.floor(at), self.chance.randrange(self.behaviour["apps"]), 1 / one.requests
        own = one.read_units - sum(one.shared.values())
        room = self.table.spend(second, f"user {number}", read=own * each, write=one.write_units * each)
        for kind, units in one.shared.items():
            item = f"{kind} {app}" if kind == "CLIENT" else kind
            room &= self.table.spend(second, item, read=units * each)
        for item in self._read_again(at, environment, app):
            room &= self.table.spend(second, item, read=1.0)
        return room

    def _read_again(self, at: float, environment: Environment, app: int) -> Iterator[str]:
        """What this environment has not yet, or has for too long."""
        if at - environment.opened_at >= OPEN_AGE:
            environment.opened_at = at
            self.openings += self.counts.openings
        if at - environment.keysets_read_at >= self.behaviour["keysets_read_seconds"]:
            environment.keysets_read_at = at
            yield "KEYSETS"
        if at - environment.clients_read_at.get(app, NEVER) >= self.behaviour["client_record_seconds"]:
            environment.clients_read_at[app] = at
            yield f"CLIENT {app}"
