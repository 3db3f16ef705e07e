"""Reading a provider file: TOML to the value, every fault found at once, each with its line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from chalicelib.providers.definition.checks import CHECKS
from chalicelib.providers.definition.checks_mark import check_mark
from chalicelib.providers.definition.checks_placeholders import check_placeholders
from chalicelib.providers.definition.errors import Fault, InvalidDefinition
from chalicelib.providers.definition.line_numbers import find_lines, line_of
from chalicelib.providers.definition.provider import ProviderDefinition
from chalicelib.providers.definition.sources import check_sources

_EXAMPLES = {"str": '"..."', "bool": "true", "int": "60", "date": "2026-01-31"}
_WORDS = {"str": "a text", "bool": "true or false", "int": "a whole number", "date": "a day, as 2026-01-31"}


def parse_definition(text: str, *, source: str, folder: Path | None = None) -> ProviderDefinition:
    """Read one provider file.

    source   names the file in the error; never its content
    folder   where it is stored, to check the images that it names; None checks only their names

    Raises InvalidDefinition with every fault found.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = Fault("", f"not TOML: {error}", "correct the text there")
        raise InvalidDefinition(source, (str(fault),), (fault,)) from None
    faults = find_wrong_kinds(document)
    if not faults:
        definition = msgspec.convert(document, ProviderDefinition)
        faults = [fault for check in CHECKS for fault in check(definition)]
        faults += check_placeholders(definition, document) + check_sources(document)
        faults += check_mark(definition, folder)
    if faults:
        placed = _placed(faults, text)
        raise InvalidDefinition(source, tuple(map(str, placed)), placed)
    return definition


def find_wrong_kinds(document: Mapping[str, Any]) -> list[Fault]:
    """Keys that are unknown, missing, or of another kind: what a schema can tell too."""
    return _wrong_kinds(document, ProviderDefinition, "")


def _placed(faults: list[Fault], text: str) -> tuple[Fault, ...]:
    """In the order of the file's lines."""
    lines = find_lines(text)
    placed = [msgspec.structs.replace(fault, line=line_of(lines, fault.key)) for fault in faults]
    return tuple(sorted(placed, key=lambda fault: fault.line or 0))


def _wrong_kinds(value: Any, kind: Any, key: str) -> list[Fault]:
    """Key by key down to the leaves, since msgspec stops at the first fault of a whole."""
    record = next((one for one in _choices(kind) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
    if record is not None and isinstance(value, dict):
        return _wrong_members(value, record, key)
    if get_origin(kind) is dict and isinstance(value, dict):
        inner = get_args(kind)[1]
        return [fault for name, one in value.items() for fault in _wrong_kinds(one, inner, f"{key}.{name}")]
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return [Fault(key, f"{key} must be {_wanted(kind)}", f"write {key.rpartition('.')[2]} = {_example(kind)}")]
    return []


def _wrong_members(document: Mapping[str, Any], record: type[msgspec.Struct], key: str) -> list[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    faults = []
    for name, value in document.items():
        at = f"{key}.{name}" if key else name
        if name in fields:
            faults += _wrong_kinds(value, fields[name].type, at)
        else:
            faults.append(Fault(at, f"unknown key {at}", "remove it, or see docs/providers.md for its name"))
    missing = [name for name, field in fields.items() if field.required and name not in document]
    return faults + [
        Fault(key, f"{f'{key}.{name}' if key else name} is missing", f"add {name} = {_example(fields[name].type)}")
        for name in missing
    ]


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _wanted(kind: Any) -> str:
    """A type in the words of someone who writes TOML."""
    choices = [one for one in _choices(kind) if one is not type(None)]
    if len(choices) > 1:
        return " or ".join(_wanted(one) for one in choices)
    (kind,) = choices
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(f'"{word}"' for word in arguments)
    if get_origin(kind) is tuple:
        return f"a list, each {_wanted(arguments[0])}"
    if get_origin(kind) is dict:
        return f"a table, each {_wanted(arguments[1])}"
    return _WORDS.get(getattr(kind, "__name__", ""), "a table")


def _example(kind: Any) -> str:
    """A value of that kind, in the syntax of the file."""
    kind = next(one for one in _choices(kind) if one is not type(None))
    if get_origin(kind) is Literal:
        return f'"{get_args(kind)[0]}"'
    if get_origin(kind) is tuple:
        return f"[{_example(get_args(kind)[0])}]"
    return _EXAMPLES.get(getattr(kind, "__name__", ""), "{ ... }")
