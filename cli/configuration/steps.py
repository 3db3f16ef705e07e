"""The steps from what is stored to what a file declares. Each is one of the single commands, with its options."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cli.deployment.operations import Deployment

Act = Callable[[Deployment, argparse.Namespace], Any]
Change = Literal["create", "update", "delete"]
Kind = Literal["resource", "provider", "client", "setting"]


@dataclass
class Step:
    """One command.

    name       of the table in the file; of a deleted thing, its id
    thing      the id: a client ID, a provider id or an audience
    fields     name -> the values before and after; None before: it does not exist yet
    act        what carries it out
    rehearse   what carries it out in a plan; None: `act`
    shown      False for a second command about the same client
    notes      what else happens, or is needed
    """

    change: Change
    kind: Kind
    name: str
    thing: str
    fields: Mapping[str, tuple[Any, Any]]
    options: argparse.Namespace
    act: Act
    rehearse: Act | None = None
    shown: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The thing, in words."""
        named = self.name if self.name == self.thing else f"{self.name} ({self.thing})"
        return f"{self.kind} {named}"


def options_for(
    command: str, defaults: Mapping[str, Any], values: Mapping[str, Any], **more: Any
) -> argparse.Namespace:
    """The options of a single command, as if they were typed."""
    return argparse.Namespace(**{**defaults, **values, **more, "command": command, "json": True})
