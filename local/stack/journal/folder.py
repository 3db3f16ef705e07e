"""The folders below .state/data/ that `demo` and `serve` have their state in."""

from pathlib import Path

from cli.deployment.running_stack import FOLDER
from local.stack.journal.journal import Journal, forget


def find_folder(name: str) -> Path:
    """Where a command has its state; name: demo, or serve with its port."""
    return FOLDER.parent / "data" / name


def open_journal(name: str, *, fresh: bool) -> Journal:
    """The journal of a command's state.

    fresh   delete the state first

    Raises StateTaken, StateDamaged.
    """
    folder = find_folder(name)
    if fresh:
        forget(folder)
    return Journal(folder)
