"""The one place that chooses adapters."""

import contextlib
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import PACING, Pacing, Transport
from chalicelib.adapters.dynamodb.job_queue import TableQueue
from chalicelib.adapters.dynamodb.record_cache import CachedRegistry
from chalicelib.adapters.dynamodb.store import DynamoStore
from chalicelib.adapters.http.guarded_fetcher import GuardedFetcher, LocalTarget
from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.adapters.kms.keys import KmsKeys
from chalicelib.adapters.process.circuit_breaker import CircuitBreaker
from chalicelib.adapters.process.log import JsonLog
from chalicelib.adapters.process.rate_limiter import BlockLimiter
from chalicelib.adapters.process.single_flight import SingleFlight
from chalicelib.adapters.process.system import RequestDeadline, SystemClock, SystemEntropy, SystemSleeper
from chalicelib.config import ConfigurationError, read_catalog, read_settings, read_theme
from chalicelib.ports import Broker, Clock, Deadline, Entropy, Sleeper
from chalicelib.records.settings import Settings

if TYPE_CHECKING:
    from chalicelib.keys.rotation import KeyRotator


def build_broker(
    settings: Settings,
    *,
    local_targets: tuple[LocalTarget, ...] = (),
    dynamodb: Transport | None = None,
    kms: Transport | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    log_stream: TextIO | None = None,
    sleeper: Sleeper | None = None,
    deadline: Deadline | None = None,
    pacing: Pacing = PACING,
) -> Broker:
    """Build every adapter of one process.

    local_targets   loopback hosts that the guarded fetcher may reach; only the local stack passes them, no setting can
    the others      for the local stack and tests; by default AWS, the wall clock, the operating system, standard output

    Raises ConfigurationError for provider files or a theme that cannot be used.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    dynamodb = dynamodb or SignedTransport("dynamodb", endpoint_url=settings.endpoint_url)
    kms = kms or SignedTransport("kms", endpoint_url=settings.endpoint_url)
    named = {"table": settings.table, "keys_table": settings.keys_table}
    tables: dict[str, Any] = {**named, "entropy": entropy, "pacing": pacing}
    store = DynamoStore(dynamodb, **tables)
    log = _build_log(settings, clock, log_stream)
    fetcher = GuardedFetcher(allow=local_targets)
    return Broker(
        settings=settings,
        store=store,
        registry=CachedRegistry(store, clock),
        keys=_build_keys(settings, store, kms, clock, log, pacing=pacing),
        fetcher=fetcher,
        directory=ProviderDirectory(fetcher, clock),
        clock=clock,
        entropy=entropy,
        log=log,
        catalog=read_catalog(settings),
        theme=read_theme(settings),
        sleeper=sleeper or SystemSleeper(),
        deadline=deadline or RequestDeadline(),
        breaker=CircuitBreaker(),
        limiter=BlockLimiter(store),
        queue=TableQueue(dynamodb, on_unreadable=partial(_report_unreadable, log), **tables),
        flights=SingleFlight(),
    )


def _build_keys(
    settings: Settings, store: DynamoStore, kms: Transport, clock: Clock, log: JsonLog, *, pacing: Pacing
) -> KmsKeys:
    named = {"deployment": settings.deployment, "key_id": settings.kms_key}
    return KmsKeys(store, kms, clock, **named, count=log.count, event=log.event, pacing=pacing)


def _report_unreadable(log: JsonLog, kind: str) -> None:
    """Raise an alarm in each run, until the operator has fixed the item."""
    log.event("alarm", kind="job_broken", job_kind=kind, error="item_unreadable")


def _build_log(settings: Settings, clock: Clock, stream: TextIO | None) -> JsonLog:
    """The log, which also sends events to the event bus if one is set. Only then is its module imported."""
    namespace = f"TokenBroker/{settings.deployment}" if settings.metrics == "on" else None
    if settings.event_bus is None:
        return JsonLog(clock, stream=stream, namespace=namespace)
    from chalicelib.adapters.aws.event_bus_log import EventBusLog

    return EventBusLog(
        clock,
        bus=settings.event_bus,
        events=SignedTransport("events", endpoint_url=settings.endpoint_url),
        whose={"issuer": settings.issuer, "deployment": settings.deployment},
        stream=stream,
        namespace=namespace,
    )


def build_key_rotator(
    broker: Broker, *, dynamodb: Transport | None = None, kms: Transport | None = None
) -> "KeyRotator":
    """Build the key rotator of this deployment, for the rotation function and the operator's command.

    dynamodb, kms   as for `build_broker`
    """
    from chalicelib.adapters.kms.keyring import TableKeyRing
    from chalicelib.keys.rotation import KeyRotator

    endpoint_url = broker.settings.endpoint_url
    ring = TableKeyRing(
        broker.settings,
        dynamodb=dynamodb or SignedTransport("dynamodb", endpoint_url=endpoint_url),
        kms=kms or SignedTransport("kms", endpoint_url=endpoint_url),
        entropy=broker.entropy,
    )
    return KeyRotator(ring=ring, settings=broker.settings, entropy=broker.entropy, log=broker.log)


class ProcessBroker:
    """The broker of this process, built once from the environment."""

    def __init__(self) -> None:
        self._broker: Broker | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Build the broker during the cold start of Lambda, when init has a whole processor, so that no user waits for
        it. Makes no calls. Faulty settings are reported at each request."""
        if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
            return
        with contextlib.suppress(ConfigurationError):
            settings = read_settings(os.environ)
            dynamodb, kms = (SignedTransport(name, endpoint_url=settings.endpoint_url) for name in ("dynamodb", "kms"))
            for transport in (dynamodb, kms):
                transport.prepare()
            self._broker = build_broker(settings, dynamodb=dynamodb, kms=kms)

    def __call__(self) -> Broker:
        """Raises ConfigurationError at every call until the settings are valid."""
        with self._lock:
            if self._broker is None:
                self._broker = build_broker(read_settings(os.environ))
            return self._broker
