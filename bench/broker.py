"""The broker in this process, beside neighbours in another one, and a meter around its app."""

import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bench.clock import Meter
from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.ports import Broker
from tests.deploy.package.events import Answer
from tests.deploy.package.sign_in import Gate
from tests.deploy.package.world import ISSUER, World

# Far above what is asked for here, so that no block of hand-outs is full and none is refused.
LIMITS = {"BROKER_HANDOUTS_PER_USER": "1000000", "BROKER_HANDOUTS_PER_CLIENT": "10000000"}


def broker_beside(world: World, log_stream: TextIO | None = None) -> Broker:
    """A broker with cold caches; what it logs is written, and thrown away unless somebody wants it."""
    own = {name: value for name, value in world.environ.items() if name.startswith("BROKER_")}
    settings = read_settings({**own, **LIMITS, "BROKER_ENDPOINT_URL": world.neighbours.endpoint_url})
    target = LocalTarget(host="127.0.0.1", port=world.neighbours.provider_port, address="127.0.0.1")
    stream = log_stream or Path(os.devnull).open("w")  # noqa: SIM115 -- closed with the process
    return build_broker(settings, local_targets=(target,), log_stream=stream)


@dataclass
class MeteredApp:
    """The broker's app; counts the CPU of every event, by path, and remembers the events while asked to."""

    app: Callable[[Any, Any], Any]
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        """One event through the broker."""
        with Meter() as meter:
            result = self.app(event, context)
        self.spent[event["resource"]] += meter.microseconds
        self.seen.append((event, result))
        return result

    def take(self) -> float:
        """What was spent since it was last asked."""
        spent = sum(self.spent.values())
        self.spent.clear()
        self.seen.clear()
        return spent


def call_through(door: Gate, access_token: str) -> Answer:
    """One call of the provider's API through the proxy."""
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = door.send("GET", f"{ISSUER}/proxy/demo/notes", headers=headers)
    if answer.status != 200:
        raise RuntimeError(f"the proxy answered {answer.status}: {answer.body}")
    return answer
