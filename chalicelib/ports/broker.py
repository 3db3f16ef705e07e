"""Everything that an endpoint needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chalicelib.pages.theme import Theme
    from chalicelib.ports.jobs import JobQueue
    from chalicelib.ports.keys import Keys
    from chalicelib.ports.log import Log
    from chalicelib.ports.machine import Machine
    from chalicelib.ports.outbound import Breaker, Directory, Fetcher
    from chalicelib.ports.outcomes import Items
    from chalicelib.ports.process import Clock, Deadline, Entropy, Flights, Limiter, Sleeper
    from chalicelib.ports.store import Store
    from chalicelib.providers.catalog import Catalog
    from chalicelib.records.item_keys import ItemKey
    from chalicelib.records.settings import Settings


class Registry(Protocol):
    """Records that may be up to 10 s old: clients, providers, resources, and the deployment's revocations."""

    def lookup(
        self, *item_keys: ItemKey[Any], fresh: bool = False, absence_of: frozenset[ItemKey[Any]] = frozenset()
    ) -> Items:
        """Read from the cache, otherwise with one batch read; `fresh` always reads.

        absence_of   item keys whose absence may come from the cache: it only leads to a refusal, and the caller reads
                     again before it refuses. Every other absence is read from the table
        """


@dataclass(frozen=True)
class Broker:
    """Everything that an endpoint needs.

    machine   the developer's machine; None for a deployed broker
    """

    settings: Settings
    store: Store
    registry: Registry
    keys: Keys
    fetcher: Fetcher
    directory: Directory
    clock: Clock
    entropy: Entropy
    log: Log
    catalog: Catalog
    theme: Theme
    sleeper: Sleeper
    deadline: Deadline
    breaker: Breaker
    limiter: Limiter
    queue: JobQueue
    flights: Flights
    machine: Machine | None = None
