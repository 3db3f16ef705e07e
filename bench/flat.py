"""Calls and units of each step with few and with many stored grants: they are the same, or the design is broken.

The store is ministack, a DynamoDB written by others, in a process of its own. The table is filled with stand-ins of a
real grant: each has its keys, an id and a user of its own, and as many bytes, but in one attribute; in thirty they
would take this store ten kilobytes of memory. Units are computed from the items that each call touches, as DynamoDB
bills them, and beside them stand the units that the store itself says.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from bench.broker import LIMITS
from bench.cost.sizes import item_bytes
from bench.cost.wire import Spent, spending
from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import Pacing, call_with_repeats
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from local.stack.resources import create_key, create_tables
from tests.deploy.package.sign_in import Gate
from tests.deploy.package.world import World

BATCH = 25
FILLERS = 4
TABLE = "broker"
PATIENT = Pacing(now=lambda: 0.0)  # three tries, however long each takes


@dataclass
class Flat:
    """A broker in this process on a store that can be filled."""

    world: World
    endpoint_url: str

    def __post_init__(self) -> None:
        self.client = boto3.client("dynamodb", endpoint_url=self.endpoint_url)
        self.filler = SignedTransport("dynamodb", endpoint_url=self.endpoint_url)
        create_tables(self.endpoint_url)
        # To find what has expired, this store walks through all items once a minute, and answers nobody meanwhile.
        self.client.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"AttributeName": "purge_at", "Enabled": False}
        )
        create_key(self.endpoint_url)
        self.world.seed(self.endpoint_url)
        own = {name: value for name, value in self.world.environ.items() if name.startswith("BROKER_")}
        settings = read_settings({**own, **LIMITS, "BROKER_ENDPOINT_URL": self.endpoint_url})
        target = LocalTarget(host="127.0.0.1", port=self.world.neighbours.provider_port, address="127.0.0.1")
        broker = build_broker(settings, local_targets=(target,))
        broker = replace(broker, log=_Quiet())
        self.door: Gate = self.world.door(create_app(lambda: broker))

    def measure(self) -> dict[str, Spent]:
        """A whole sign-in of somebody known and what follows it; the cheapest of three, since what has grown old is
        read again now and then."""
        self.world.sign_in(self.door).run()
        rounds = [self._round() for _ in range(3)]
        return {step: min((one[step] for one in rounds), key=lambda spent: spent.calls) for step in rounds[0]}

    def _round(self) -> dict[str, Spent]:
        sign_in = self.world.sign_in(self.door)
        with spending(self.client) as signing_in:
            tokens = sign_in.run()
        with spending(self.client) as refreshing:
            tokens = sign_in.refresh(tokens["refresh_token"])
        with spending(self.client) as handing_out:
            sign_in.hand_out(tokens["access_token"])
        return {"sign-in": signing_in, "refresh": refreshing, "hand-out": handing_out}

    def fill(self, grants: int, say: Callable[[str], None]) -> None:
        """Add so many grants."""
        pages = self.client.get_paginator("scan").paginate(TableName=TABLE)
        grant = next(item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("GRANT#"))
        began = time.monotonic()
        with ThreadPoolExecutor(FILLERS) as pool:
            for done, _ in enumerate(pool.map(lambda _: self._add(item_bytes(grant)), range(grants // BATCH)), 1):
                if done % 4000 == 0:
                    say(f"  {done * BATCH:,} grants after {time.monotonic() - began:,.0f} s")

    def _add(self, size: int) -> None:
        requests = [{"PutRequest": {"Item": _stand_in(size)}} for _ in range(BATCH)]
        left: Any = {TABLE: requests}
        while left:
            answer = call_with_repeats(self.filler, "BatchWriteItem", {"RequestItems": left}, PATIENT)
            left = answer.get("UnprocessedItems") or {}


def _stand_in(size: int) -> dict[str, Any]:
    """What a grant is to the table: its keys, and so many bytes."""
    keys = {"pk": f"GRANT#{secrets.token_hex(16)}", "sk": "#", "sub": secrets.token_hex(16)}
    item = {name: {"S": value} for name, value in keys.items()}
    return {**item, "rest": {"S": "r" * (size - item_bytes(item) - len("rest"))}}


class _Quiet:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def measure(grants: list[int], folder: Path, say: Callable[[str], None]) -> dict[int, dict[str, Spent]]:
    """Each step with so many grants in the table, fewest first."""
    from tests.kit.processes import run_ministack

    world = World(folder, played=False, seeded=False)
    try:
        with run_ministack("dynamodb,kms") as endpoint_url:
            flat, found, held = Flat(world, endpoint_url), {}, 0
            flat.world.sign_in(flat.door).run()
            for number in sorted(grants):
                flat.fill(number - held, say)
                found[number], held = flat.measure(), number
    finally:
        world.stop()
    return found
