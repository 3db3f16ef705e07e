"""The keys of a configuration file. They are the options of the single commands, so that a new option is a new key."""

import argparse
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from cli.nearest import nearest

Kind = Literal["text", "words", "list", "flag", "yes_no", "number", "pairs", "keys"]
# Options about one run of a command, and those that are the name of a table.
LEFT_OUT = frozenset({"help", "json", "stack", "force", "framework", "audience", "provider_id", "ends_connections"})
_KINDS: dict[str, Kind] = {"scope": "words", "optional_scope": "words", "jwks": "keys", "variables": "pairs"}
_WANTED: dict[Kind, str] = {
    "text": "a text",
    "words": "a text with words, or a list of texts",
    "list": "a list of texts",
    "flag": "true or false",
    "yes_no": "true or false",
    "number": "a whole number",
    "pairs": "a table of texts",
    "keys": "the path of a JSON Web Key Set, or a list of public keys",
}


class WrongValue(Exception):
    """A key or a value is not allowed; the message says what is."""


class Key(NamedTuple):
    """One key: what its value is, and which values are allowed (empty: any)."""

    kind: Kind
    choices: tuple[str, ...] = ()
    required: bool = False


def read_keys(parser: argparse.ArgumentParser) -> dict[str, Key]:
    """The keys of one command, from its options."""
    return {action.dest: _read_key(action) for action in parser._actions if action.dest not in LEFT_OUT}


def defaults_of(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """The options of a command that is typed without any."""
    found = {action.dest: action.default for action in parser._actions if action.default is not argparse.SUPPRESS}
    copied = {name: list(value) if isinstance(value, list) else value for name, value in found.items()}
    return {"json": True, **copied, **parser._defaults}


def read_table(table: Mapping[str, Any], keys: Mapping[str, Key]) -> tuple[dict[str, Any], list[str]]:
    """The options that a table gives, and its faults."""
    options: dict[str, Any] = {}
    faults = [f"{name} is missing" for name, key in keys.items() if key.required and name not in table]
    for name, value in table.items():
        key = keys.get(name)
        if key is None:
            near = nearest(name, keys)
            faults.append(f"{name} is not a key" + (f"; did you mean {near}?" if near else ""))
            continue
        try:
            options[name] = _read_value(key, value)
        except WrongValue as wrong:
            faults.append(f"{name} {wrong}")
    return options, faults


def _read_key(action: argparse.Action) -> Key:
    choices = tuple(map(str, action.choices or ()))
    if action.dest in _KINDS:
        kind = _KINDS[action.dest]
    elif isinstance(action, argparse._StoreTrueAction):
        kind = "flag"
    elif isinstance(action, argparse._AppendAction):
        kind = "list"
    elif choices == ("yes", "no"):
        kind, choices = "yes_no", ()
    else:
        kind = "number" if action.type is int else "text"
    return Key(kind, choices, action.required)


def _read_value(key: Key, value: Any) -> Any:
    """As the option of the command. Raises WrongValue."""
    match key.kind, value:
        case "text", str():
            return _check_choice(key, value)
        case "words", str():
            return " ".join(sorted(set(value.split())))
        case "words", list() if _are_texts(value):
            return " ".join(sorted(set(value)))
        case "list", list() if _are_texts(value):
            return [_check_choice(key, one) for one in dict.fromkeys(value)]
        case ("flag", bool()) | ("keys", str()):
            return value
        case "yes_no", bool():
            return "yes" if value else "no"
        case "number", int() if not isinstance(value, bool):
            return value
        case "pairs", dict() if _are_texts([*value, *value.values()]):
            return sorted(f"{name}={one}" for name, one in value.items())
        case "keys", list() if all(isinstance(one, dict) and _are_texts([*one.values()]) for one in value):
            return value
    raise WrongValue(f"must be {_WANTED[key.kind]}")


def _check_choice(key: Key, value: str) -> str:
    if key.choices and value not in key.choices:
        raise WrongValue(f"must be one of {', '.join(key.choices)}")
    return value


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(one, str) for one in values)
