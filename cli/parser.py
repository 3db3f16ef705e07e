"""The parser of every command. A wrong argument exits with 2, a suggestion and the help command."""

import argparse
import os
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from cli.nearest import nearest

# The installed command, if this is one; in a checkout it is `python3 dev.py`.
INSTALLED = "TOKEN_BROKER_COMMAND"


class CommandParser(argparse.ArgumentParser):
    """A subcommand reports its own faults; its parent would point to the help of all commands."""

    def __init__(self, *, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog=as_typed(prog) if prog else prog, **options)
        self.description = as_typed(self.description) if self.description else self.description

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, but left-over arguments are an error."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(self._say_unknown(rest))
        return known, rest

    def _say_unknown(self, rest: Sequence[str]) -> str:
        option = next((word.partition("=")[0] for word in rest if word.startswith("-")), "")
        near = nearest(option, self._option_string_actions) if option else None
        return f"unrecognized arguments: {' '.join(rest)}" + (f"; did you mean {near}?" if near else "")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        near = nearest(str(value), map(str, action.choices))
        meant = f"did you mean {near}?" if near else f"choose from {', '.join(map(str, action.choices))}"
        raise argparse.ArgumentError(action, f"invalid choice: {value!r}; {meant}")

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and print the next step."""
        command = f"python3 {self.prog}" if self.prog.startswith("dev.py") else self.prog
        self.exit(2, f"{self.prog}: error: {message}\n  next: {command} --help\n")


def as_typed(text: str) -> str:
    """The same text with the commands as they are typed here: an installed `token-broker` has no dev.py."""
    installed = os.environ.get(INSTALLED)
    return re.sub(r"(?:python3 )?dev\.py(?: broker\b)?", installed, text) if installed else text


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The subcommands of a parser, by name."""
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: below for action in subparsers for name, below in action.choices.items()}


def read_version() -> str:
    """The release of this checkout or, where it is installed, of the package; "unknown" where neither says it."""
    try:
        text = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        try:
            return metadata.version("token-broker")
        except metadata.PackageNotFoundError:
            return "unknown"
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return found[1] if found else "unknown"
