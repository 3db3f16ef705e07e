"""The words that can be typed at each level of the command, read from its parsers."""

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cli.invocation import as_typed
from local.installed import COMMANDS

PROVIDERS = Path(__file__).resolve().parents[2] / "chalicelib" / "providers"
# Options and arguments whose value is the name of a shipped provider file.
PROVIDER_ARGUMENTS = {"provider", "provider_id", "real"}
MOST_OF_HELP = 60


@dataclass
class Level:
    """The words that follow one command.

    path     "/client/create"; "" for the program itself
    words    commands, options and values of arguments, each with its help
    values   option -> its values; empty where the value is any text
    """

    path: str
    words: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)


def read_levels() -> list[Level]:
    """Every level, the program first."""
    from cli.main import build_parser

    program, *below = _walk(build_parser(), "")
    for name, (module, said) in COMMANDS.items():
        program.words[name] = said
        below += _walk(importlib.import_module(module).build_parser(), f"/{name}")
    return [program, *below]


def _walk(parser: argparse.ArgumentParser, path: str) -> Iterator[Level]:
    level, below = Level(path), list[Level]()
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):
            level.words |= {each.dest: _shorten(each.help) for each in action._choices_actions}
            below += [one for name, child in action.choices.items() for one in _walk(child, f"{path}/{name}")]
        elif action.option_strings:
            level.words |= {option: _shorten(action.help) for option in action.option_strings}
            if action.nargs != 0:
                level.values |= {option: _values_of(action) for option in action.option_strings}
        else:
            level.words |= dict.fromkeys(_values_of(action), "")
    yield level
    yield from below


def _values_of(action: argparse.Action) -> list[str]:
    if action.choices is not None:
        return [str(one) for one in action.choices]
    return sorted(path.stem for path in PROVIDERS.glob("*.toml")) if action.dest in PROVIDER_ARGUMENTS else []


def _shorten(said: str | None) -> str:
    """One line for a menu."""
    text = as_typed(said or "").replace("%%", "%")
    return text if len(text) <= MOST_OF_HELP else text[: MOST_OF_HELP - 1].rstrip() + "…"
