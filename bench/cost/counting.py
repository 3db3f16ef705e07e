"""What each thing that is paid for asks of AWS: counted on the wire of a real broker, everything warm."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import boto3
import msgspec

from bench.broker import MeteredApp, broker_beside, call_through
from bench.calls import snapshot
from bench.clock import middle
from bench.cost.sizes import item_bytes
from bench.cost.wire import spending
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.dynamodb.record_cache import CachedRegistry
from chalicelib.adapters.kms.keys import KmsKeys
from chalicelib.ports import Broker
from chalicelib.records.item_keys import connection_item_key
from chalicelib.routes import create_app
from cli.deployment.operations import Deployment
from tests.deploy.package.world import World

TABLES = ("broker", "broker-keys")
LIFE = 3600
T = TypeVar("T")


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
        self.client = boto3.client("dynamodb", endpoint_url=world.neighbours.endpoint_url)

    def count(self, rounds: int) -> tuple[dict[str, Counted], int]:
        """Each thing, of `rounds` rounds; and how many keysets a new environment opens by KMS for all of them."""
        first = self._round(0, self._spent)
        self._round(1, self._spent)
        counted = self._round(2, self._spent)
        cpu = [self._round(number, self._cpu) for number in range(3, 3 + rounds)]
        middles = {name: round(middle(one[name] for one in cpu)) for name in counted}
        things = {name: msgspec.structs.replace(one, cpu=middles[name]) for name, one in counted.items()}
        return things, sum(one.openings for one in first.values())

    def _round(self, number: int, ask: Callable[[Callable[[], Any]], tuple[Any, T]]) -> dict[str, T]:
        """Each thing once. What is refreshed at the provider is a connection that no sign-in has renewed meanwhile."""
        found: dict[str, T] = {}

        def do(name: str, act: Callable[[], Any]) -> Any:
            answer, found[name] = ask(act)
            return answer

        newcomer, known = self.world.sign_in(self.door, f"user-{number}"), self.world.sign_in(self.door)
        theirs = do("first sign-in of a user", newcomer.run)["access_token"]
        tokens = do("sign-in", known.run)
        tokens = do("refresh", lambda: known.refresh(tokens["refresh_token"]))
        do("hand-out", lambda: known.hand_out(tokens["access_token"]))
        do("call through the proxy", lambda: call_through(self.door, tokens["access_token"]))
        self._end_access(newcomer.hand_out(theirs)["connection_id"])
        do("hand-out with a refresh there", lambda: newcomer.hand_out(theirs))
        return found

    def _end_access(self, connection_id: str) -> None:
        place, now = connection_item_key(connection_id), self.broker.clock.now()
        deployment = Deployment(self.broker.settings)
        connection: Any = deployment.store.read(place).get(place)
        ended = msgspec.structs.replace(connection, access_expires_at=now - 1, tokens_at=now - 1 - LIFE)
        deployment.put(place, ended)

    def _cpu(self, act: Callable[[], Any]) -> tuple[Any, float]:
        self.app.take()
        return act(), self.app.take()

    def _spent(self, act: Callable[[], Any]) -> tuple[Any, Counted]:
        before, written = self._stored(), self.log.tell()
        self.app.take()
        with spending(self.client) as spent:
            answer = act()
        events = list(self.app.seen)
        return answer, Counted(
            requests=len(events),
            calls=spent.calls,
            write_units=spent.write,
            read_units=spent.read,
            openings=spent.openings,
            shared=dict(spent.shared),
            fetches=spent.fetches,
            answer_bytes=sum(len(result["body"].encode()) for _, result in events),
            log_bytes=self.log.tell() - written,
            stored_bytes=max(0, self._stored() - before),
            cpu=0,
        )

    def _stored(self) -> int:
        return sum(map(item_bytes, snapshot(self.world.neighbours.endpoint_url, TABLES).values()))


def count(folder: Path, *, rounds: int = 20) -> tuple[dict[str, Counted], int]:
    """Count with neighbours of its own."""
    world = World(folder, played=False, auth_method="client_secret_basic", users=rounds + 3)
    try:
        return Counting(world).count(rounds)
    finally:
        world.stop()


def _ageless(broker: Broker) -> Broker:
    """What it has read or opened once stays good, however slow the machine is."""
    still = _Still(broker.clock.now())
    kms = SignedTransport("kms", endpoint_url=broker.settings.endpoint_url)
    settings = broker.settings
    keys = KmsKeys(broker.store, kms, still, deployment=settings.deployment, key_id=settings.kms_key)
    return replace(broker, registry=CachedRegistry(broker.store, still), keys=keys)


@dataclass(frozen=True)
class _Still:
    """A clock that stands."""

    at: int

    def now(self) -> int:
        """Epoch seconds."""
        return self.at
