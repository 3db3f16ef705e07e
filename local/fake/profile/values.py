"""A value for each variable and each piece of metadata of a file, as its rule admits it."""

import importlib
from collections.abc import Mapping
from typing import Any

from chalicelib.providers.definition import MetadataRule, ProviderDefinition, VariableRule

_parser: Any = importlib.import_module("re._parser")
_FEW = 4


def choose_variables(definition: ProviderDefinition, given: Mapping[str, str]) -> dict[str, str]:
    """What the operator would set: what is given, else the example, the default, the first value that is listed."""
    return {name: given.get(name) or _variable(rule) for name, rule in definition.variables.items()}


def choose_metadata(definition: ProviderDefinition) -> dict[str, str]:
    """What this provider says of every connection: the last value that is listed, one below the last of the domains, or
    one like the pattern."""
    return {name: _metadata(rule) for name, rule in definition.metadata.items()}


def _metadata(rule: MetadataRule) -> str:
    if rule.suffixes:
        return f"https://team.{rule.suffixes[-1]}"
    return rule.values[-1] if rule.values else sample(rule.pattern or "")


def _variable(rule: VariableRule) -> str:
    return rule.default or rule.example or next(iter(rule.values), None) or sample(rule.pattern or "")


def sample(pattern: str) -> str:
    """A text that the whole of a regular expression admits."""
    return _write(_parser.parse(pattern))


def _write(tokens: Any) -> str:
    return "".join(_write_one(str(kind), value) for kind, value in tokens)


def _write_one(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "IN":
            return _write_member(value)
        case "ANY" | "NOT_LITERAL":
            return "a" if value != ord("a") else "b"
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = value
            return _write(inner) * min(most, max(least, _FEW))
        case "SUBPATTERN":
            return _write(value[-1])
        case "BRANCH":
            return _write(value[1][0])
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return ""
    raise ValueError(f"no text can be made for this part of a pattern: {kind}")


def _write_member(members: Any) -> str:
    """One character of a class, a letter before a digit."""
    if str(members[0][0]) == "NEGATE":
        return "a"
    found = [_first(str(kind), value) for kind, value in members]
    return next((one for one in found if one.isalnum()), found[0])


def _first(kind: str, value: Any) -> str:
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": "7", "CATEGORY_WORD": "a"}.get(str(value), "-")
    return chr(value if kind == "LITERAL" else value[0])
