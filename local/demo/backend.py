"""The servers behind an app on this machine: a broker on a local AWS, and simulated providers."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local.demo.parts import (
    BROKER,
    CLIENT_AT_PROVIDER,
    PARTS,
    PROVIDER_ID,
    SCOPES,
    introduce,
    note_move,
    start_provider,
    target_of,
)
from local.demo.simulated import Simulated, check_hosts, introduce_simulated
from local.demo.state import DemoState
from local.stack.ports import bind, bind_near, port_of
from local.stack.stack import RunningBroker, broker_environ, start_broker

if TYPE_CHECKING:
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget
    from local.fake.profile.profile_server import RunningProfile
    from local.fake.provider import RunningProvider
    from local.fake.simulation import Simulation
    from local.live.taps import Taps


@dataclass
class Behind:
    """What runs.

    providers   the demo's own, by their ids; `provider` is the one to sign in at
    simulated   those that are simulated from a provider file, by their ids
    parts       the same, before they started
    """

    broker: RunningBroker
    providers: dict[str, "RunningProvider"]
    simulated: dict[str, "RunningProfile"] = field(default_factory=dict)
    parts: tuple[Simulated, ...] = ()

    @property
    def all_providers(self) -> dict[str, "Simulation"]:
        """Both kinds."""
        return {**self.providers, **self.simulated}

    @property
    def provider(self) -> "RunningProvider":
        """The first one."""
        return self.providers[PROVIDER_ID]

    def stop(self) -> None:
        """Stop everything; the providers end with their threads."""
        self.broker.stop()
        for provider in self.all_providers.values():
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
    simulated: tuple[Simulated, ...] = (),
    state: DemoState | None = None,
) -> Behind:
    """Start the broker and its providers. Raises NotSimulated.

    listener     where the broker is to answer; without one on a port of `bind_broker`
    moved        gets a line for each port that was taken
    free_ports   take any free ports, as a second stack beside a running demo does
    settings     laid over those of the demo
    reachable    further places on this machine that the broker may call
    watch        sees what the broker does, for the live view
    simulated    further providers, each simulated from its file
    state        where all of it is stored; None: in memory only
    """
    moved = [] if moved is None else moved
    listener = listener or bind_broker(moved, free_ports)
    providers = {part.provider_id: start_provider(part, moved, free_ports) for part in PARTS}
    players = {part.provider_id: _start_simulated(part, moved, free_ports) for part in simulated}
    check_hosts(players.values())
    if state:
        state.store({**providers, **players})
    targets = [target_of(provider) for provider in providers.values()]
    targets += [target for player in players.values() for target in player.targets]
    broker = start_broker(
        _settings(issuer_of(listener), settings or {}, simulated),
        listener=listener,
        local_targets=(*targets, *reachable),
        doors={provider_id: player.url for provider_id, player in players.items()},
        log_stream=log,  # type: ignore[arg-type]
        watch=watch,
        journal=state.journal if state else None,
    )
    for provider_id, provider in providers.items():
        introduce(broker, provider_id, provider)
    for part in simulated:
        introduce_simulated(broker, part, players[part.provider_id], CLIENT_AT_PROVIDER)
    return Behind(broker, providers, players, simulated)


def _start_simulated(part: Simulated, moved: list[str], free_ports: bool) -> "RunningProfile":
    player = part.start(free_ports)
    note_move(moved, part.name, part.port, player.port, free_ports)
    return player


def bind_broker(moved: list[str], free_ports: bool) -> socket.socket:
    """The broker's port; where it is taken another one, and a line in `moved`."""
    listener = bind(BROKER[0], 0) if free_ports else bind_near(*BROKER)
    note_move(moved, "the broker", BROKER[1], port_of(listener), free_ports)
    return listener


def issuer_of(listener: socket.socket) -> str:
    """Its address."""
    return f"http://{BROKER[0]}:{port_of(listener)}"


def _settings(issuer: str, more: Mapping[str, str], simulated: tuple[Simulated, ...]) -> dict[str, str]:
    """Registration is open, so that any OAuth client can be tried against it at once; only on loopback, only here."""
    scopes = SCOPES.union(*(part.scopes for part in simulated))
    return broker_environ(
        {
            "issuer": issuer,
            "registration": "open",
            "client_id_documents": "true",
            "open_registration_scopes": " ".join(sorted(scopes)),
            "open_registration_handout": "token",
            "provider_dirs": str(Path(__file__).parents[1] / "providers"),
            **more,
        }
    )
