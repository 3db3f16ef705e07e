"""The parser of every command. A wrong argument exits with 2, a suggestion and the help command."""

import argparse
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from cli.invocation import as_typed, name_program
from cli.nearest import nearest


class CommandParser(argparse.ArgumentParser):
    """A subcommand reports its own faults; its parent would point to the help of all commands."""

    def __init__(self, *, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog=name_program(prog) if prog else prog, **options)

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

    def format_help(self) -> str:
        """As in argparse, with each command as it is typed here."""
        self.description, self.epilog = (text and as_typed(text) for text in (self.description, self.epilog))
        for action in self._actions:
            below = action._choices_actions if isinstance(action, argparse._SubParsersAction) else []
            for each in (action, *below):
                each.help = each.help and as_typed(each.help)
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and print the next step."""
        command = f"python3 {self.prog}" if self.prog.startswith("dev.py") else self.prog
        self.exit(2, f"{self.prog}: error: {as_typed(message)}\n  next: {command} --help\n")


def setting(text: str) -> tuple[str, str]:
    """The value of an option KEY=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text}: write it as KEY=VALUE")
    return name, value


def helps_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The help of each subcommand, by name."""
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {each.dest: each.help or "" for action in subparsers for each in action._choices_actions}


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
