"""A developer's machine, which runs the broker and may show more than a deployment does."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class MachineParts:
    """What runs on a developer's machine.

    apps        how many clients are registered
    providers   names of the enabled providers; simulated: those among them that this machine plays itself
    live        URL of the live view; "" without one
    """

    apps: int
    providers: tuple[str, ...] = ()
    simulated: frozenset[str] = frozenset()
    live: str = ""


class Machine(Protocol):
    """A developer's machine."""

    @property
    def command(self) -> str:
        """The operator's command as it is typed here, for example "python3 dev.py broker"."""

    def describe(self) -> MachineParts:
        """What runs at this moment; reads the table."""
