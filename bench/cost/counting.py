"""What each thing that is paid for asks of AWS: counted on the wire of a real broker, everything warm."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench.broker import MeteredApp, broker_beside, call_through
from bench.calls import snapshot
from bench.clock import middle
from bench.cost.sizes import item_bytes, read_units, shared_reads, write_units
from bench.recording import recording
from chalicelib.adapters.kms import KmsKeys
from chalicelib.adapters.registry import CachedRegistry
from chalicelib.adapters.signed import SignedTransport
from chalicelib.ports import Broker
from chalicelib.records.places import connection_place
from chalicelib.routes import create_app
from cli.operations import Deployment
from tests.package.world import World

TABLES = ("broker", "broker-keys")
LIFE = 3600


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, whole: a sign-in has four requests.

    requests        at the front door
    calls           of the table; write_units, read_units: what they are billed as
    openings        of keysets by KMS
    shared          read units of items that many users' requests read, by the kind of item
    fetches         requests to third parties
    answer_bytes    bodies; log_bytes: our own lines
    stored_bytes    by which the tables grew
    cpu             microseconds of the machine that counted
    """

    requests: int
    calls: int
    write_units: float
    read_units: float
    openings: int
    shared: dict[str, float]
    fetches: int
    answer_bytes: int
    log_bytes: int
    stored_bytes: int
    cpu: int


class Counting:
    """A broker in this process, and a browser before it."""

    def __init__(self, world: World) -> None:
        self.world, self.log = world, io.StringIO()
        self.broker = _ageless(broker_beside(world, self.log))
        self.app = MeteredApp(create_app(lambda: self.broker))
        self.door = world.door(self.app)
        self.found: dict[str, list[Counted]] = {}

    def count(self, rounds: int) -> tuple[dict[str, Counted], int]:
        """Each thing, of `rounds` rounds; and how many keysets a new environment opens by KMS for all of them."""
        self._round(0)
        openings = sum(one.openings for several in self.found.values() for one in several)
        self._round(1)
        self.found.clear()  # what came before made everything warm
        for number in range(2, 2 + rounds):
            self._round(number)
        return {name: _middle(several) for name, several in self.found.items()}, openings

    def _round(self, number: int) -> None:
        newcomer = self.world.sign_in(self.door, f"user-{number}")
        with self._counted("first sign-in of a user"):
            theirs = newcomer.run()["access_token"]
        known = self.world.sign_in(self.door)
        with self._counted("sign-in"):
            tokens = known.run()
        with self._counted("refresh"):
            tokens = known.refresh(tokens["refresh_token"])
        with self._counted("hand-out"):
            known.hand_out(tokens["access_token"])
        with self._counted("call through the proxy"):
            call_through(self.door, tokens["access_token"])
        for _ in range(2):
            self._end_access(newcomer.hand_out(theirs)["connection_id"])
            with self._counted("hand-out with a refresh there"):
                newcomer.hand_out(theirs)

    def _end_access(self, connection_id: str) -> None:
        place, now = connection_place(connection_id), self.broker.clock.now()
        connection: Any = Deployment(self.broker.settings).store.read(place).get(place)
        ended = msgspec.structs.replace(connection, access_expires_at=now - 1, tokens_at=now - 1 - LIFE)
        Deployment(self.broker.settings).put(place, ended)

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        endpoint_url = self.world.neighbours.endpoint_url
        before, written = snapshot(endpoint_url, TABLES), self.log.tell()
        self.app.take()
        with recording() as recorded:
            yield
        events = list(self.app.seen)
        cpu = self.app.take()
        after = snapshot(endpoint_url, TABLES)
        grown = sum(map(item_bytes, after.values())) - sum(map(item_bytes, before.values()))
        table = [call for call in recorded.calls if call.operation != "Decrypt"]
        one = Counted(
            requests=len(events),
            calls=len(table),
            write_units=sum(write_units(call, before, after) for call in table),
            read_units=sum(read_units(call, before, after) for call in table),
            openings=len(recorded.calls) - len(table),
            shared=dict(sum((Counter(shared_reads(call)) for call in table), Counter())),
            fetches=len(recorded.fetches),
            answer_bytes=sum(len(answer["body"].encode()) for _, answer in events),
            log_bytes=self.log.tell() - written,
            stored_bytes=max(0, grown),
            cpu=round(cpu),
        )
        self.found.setdefault(name, []).append(one)


def count(folder: Path, *, rounds: int = 20) -> tuple[dict[str, Counted], int]:
    """Count with neighbours of its own."""
    world = World(folder, played=False, auth_method="client_secret_basic", users=rounds + 2)
    try:
        return Counting(world).count(rounds)
    finally:
        world.stop()


def _ageless(broker: Broker) -> Broker:
    """What it has read or opened once stays good, however slow the machine is."""
    still = _Still(broker.clock.now())
    kms = SignedTransport("kms", endpoint_url=broker.settings.endpoint_url)
    keys = KmsKeys(broker.store, kms, still, deployment=broker.settings.deployment)
    return replace(broker, registry=CachedRegistry(broker.store, still), keys=keys)


@dataclass(frozen=True)
class _Still:
    """A clock that stands."""

    at: int

    def now(self) -> int:
        """Epoch seconds."""
        return self.at


def _middle(several: list[Counted]) -> Counted:
    """Units of the cheapest round; bytes and CPU in the middle."""
    warm = min(several, key=lambda one: (one.openings, one.calls, one.write_units, one.read_units))
    fields = ("answer_bytes", "log_bytes", "stored_bytes", "cpu")
    middles = {field: round(middle(getattr(one, field) for one in several)) for field in fields}
    return msgspec.structs.replace(warm, **middles)
