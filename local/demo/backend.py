"""What stands behind an app on this machine: a broker on an embedded AWS, and two providers that are played."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local.demo.parts import BROKER, PARTS, PROVIDER_ID, SCOPES, introduce, note_move, start_provider, target_of
from local.stack.ports import bind, bind_near, port_of
from local.stack.stack import RunningBroker, broker_environ, start_broker

if TYPE_CHECKING:
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget
    from local.fake.provider import RunningProvider
    from local.live.taps import Taps


@dataclass
class Behind:
    """What runs.

    providers   by their ids; `provider` is the one to sign in at
    """

    broker: RunningBroker
    providers: dict[str, "RunningProvider"]

    @property
    def provider(self) -> "RunningProvider":
        """The first one."""
        return self.providers[PROVIDER_ID]

    def stop(self) -> None:
        """Stop everything; the providers end with their threads."""
        self.broker.stop()
        for provider in self.providers.values():
            provider.stop()


def start_behind(
    log: IO[str],
    *,
    listener: socket.socket | None = None,
    moved: list[str] | None = None,
    free_ports: bool = True,
    settings: Mapping[str, str] | None = None,
    reachable: tuple["LocalTarget", ...] = (),
    watch: "Taps | None" = None,
) -> Behind:
    """Start the broker and its providers.

    listener     where the broker is to answer; without one on a port of `bind_broker`
    moved        gets a line for each port that was taken
    free_ports   take any free ports, as a second stack beside a running demo does
    settings     laid over those of the demo
    reachable    further places on this machine that the broker may call
    watch        sees what the broker does, for the live view
    """
    moved = [] if moved is None else moved
    listener = listener or bind_broker(moved, free_ports)
    providers = {part.provider_id: start_provider(part, moved, free_ports) for part in PARTS}
    targets = tuple(target_of(provider) for provider in providers.values())
    broker = start_broker(
        _settings(issuer_of(listener), settings or {}),
        listener=listener,
        local_targets=(*targets, *reachable),
        log_stream=log,  # type: ignore[arg-type]
        watch=watch,
    )
    for provider_id, provider in providers.items():
        introduce(broker, provider_id, provider)
    return Behind(broker, providers)


def bind_broker(moved: list[str], free_ports: bool) -> socket.socket:
    """The broker's port; where it is taken another one, and a line in `moved`."""
    listener = bind(BROKER[0], 0) if free_ports else bind_near(*BROKER)
    note_move(moved, "the broker", BROKER[1], port_of(listener), free_ports)
    return listener


def issuer_of(listener: socket.socket) -> str:
    """Its address."""
    return f"http://{BROKER[0]}:{port_of(listener)}"


def _settings(issuer: str, more: Mapping[str, str]) -> dict[str, str]:
    """Registration is open, so that any OAuth client can be tried against it at once; only on loopback, only here."""
    return broker_environ(
        {
            "issuer": issuer,
            "registration": "open",
            "client_id_documents": "true",
            "open_registration_scopes": " ".join(sorted(SCOPES)),
            "open_registration_handout": "token",
            "provider_dirs": str(Path(__file__).parents[1] / "providers"),
            **more,
        }
    )
