"""What the demo stores between two starts: clients, providers and connections, and which providers it simulates."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.fake.stored_grants import GrantsFile
from local.stack.journal.folder import open_journal
from local.stack.journal.journal import Journal, StateTaken

if TYPE_CHECKING:
    from local.fake.simulation import Simulation

NAME = "demo"


@dataclass
class DemoState:
    """The state of the demo; only one process has it at a time."""

    journal: Journal

    def provider_names(self) -> list[str]:
        """The provider files that were simulated before."""
        path = self._names_file()
        found: list[str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return found

    def remember(self, names: Iterable[str]) -> None:
        """Simulate these at the next start, too."""
        _replace(self._names_file(), list(names))

    def real_names(self) -> list[str]:
        """The real providers that you registered at."""
        path = self._real_file()
        found: list[str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return found

    def remember_real(self, names: Iterable[str]) -> None:
        """Do not ask for these again."""
        _replace(self._real_file(), list(names))

    def store(self, providers: dict[str, "Simulation"]) -> None:
        """Restore what simulated providers had granted, and store every change from now on."""
        for provider_id, provider in providers.items():
            file = GrantsFile(self.journal.folder / f"grants-{provider_id}.json", provider.grants)
            provider.store(file.save)

    def _names_file(self) -> Path:
        return self.journal.folder / "providers.json"

    def _real_file(self) -> Path:
        return self.journal.folder / "real.json"


def _replace(path: Path, names: list[str]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(names) + "\n", encoding="utf-8")
    fresh.replace(path)


def open_state(*, fresh: bool) -> DemoState | None:
    """The state; None if another demo has it. Raises StateDamaged."""
    try:
        return DemoState(open_journal(NAME, fresh=fresh))
    except StateTaken:
        return None
