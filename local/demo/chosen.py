"""Which providers a start of the demo has: those that are named now, and those of earlier starts."""

import argparse
import socket
import sys
from dataclasses import dataclass, field

from local.demo.parts import BROKER
from local.demo.real import Real, Registration, ask_registration, find_real
from local.demo.simulated import NotSimulated, Simulated, find_simulated
from local.demo.state import DemoState, open_state
from local.stack.ports import bind_near, port_of


@dataclass
class Chosen:
    """What the demo starts with.

    real           real providers; `registrations` has those that were asked for now, by provider id
    listener       the broker's port, if it had to be known before the start
    """

    state: DemoState | None
    simulated: tuple[Simulated, ...]
    real: tuple[Real, ...] = ()
    registrations: dict[str, Registration] = field(default_factory=dict)
    listener: socket.socket | None = None

    def remember(self) -> None:
        """Have the same providers at the next start."""
        if self.state:
            self.state.remember(part.provider_id for part in self.simulated)
            self.state.remember_real(part.provider_id for part in self.real)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose."""
    names = {"metavar": "NAME", "action": "append", "default": []}
    simulate = "simulate this shipped provider file (github, google, ...) and sign in there; may be repeated"
    parser.add_argument("--provider", help=simulate, **names)  # type: ignore[arg-type]
    real = "call the real provider; asks once for your client ID and secret there; may be repeated"
    parser.add_argument("--real", help=real, **names)  # type: ignore[arg-type]
    parser.add_argument("--fresh", action="store_true", help="forget everything of earlier starts")


def choose(options: argparse.Namespace) -> Chosen:
    """Read the options and the state, and ask for what is missing. Raises NotSimulated, StateDamaged."""
    find_simulated(options.provider)
    find_real(options.real)
    if both := set(options.provider) & set(options.real):
        raise NotSimulated(f"{min(both)} is either simulated or real; name it once")
    state = open_state(fresh=options.fresh)
    before, known = (state.provider_names(), state.real_names()) if state else ([], [])
    real = find_real(name for name in [*known, *options.real] if name not in options.provider)
    simulated = find_simulated(name for name in [*before, *options.provider] if name not in options.real)
    chosen = Chosen(state, simulated, real)
    for part in real:
        if part.provider_id not in known:
            chosen.listener = chosen.listener or bind_near(*BROKER)
            issuer = f"http://{BROKER[0]}:{port_of(chosen.listener)}"
            chosen.registrations[part.provider_id] = ask_registration(part, issuer, say=_say)
    return chosen


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
