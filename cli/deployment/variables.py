"""The operator's values for a provider file, checked against the rules of `[variables]`."""

import difflib
from collections.abc import Iterable, Mapping

from chalicelib.providers.definition import ProviderDefinition, ValueRefused, VariableRule, fill


class WrongVariables(Exception):
    """The values are invalid; `faults` lists every fault, `hint` is what to type for the first."""

    def __init__(self, faults: list[str], hint: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
        self.hint = hint


def parse_variables(words: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE, each name once. Raises WrongVariables."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise WrongVariables([f"--variable {word} is not NAME=VALUE"], "--variable tenant=example")
        if name in found:
            raise WrongVariables([f"--variable {name} is given twice"], f"--variable {name}=VALUE once")
        found[name] = value
    return found


def check_variables(definition: ProviderDefinition, given: Mapping[str, str]) -> None:
    """Check that every name is in the file, every value is valid, and no required value is missing.

    Raises WrongVariables.
    """
    rules = definition.variables
    wrong = [(name, _unknown(definition, name)) for name in given.keys() - rules.keys()]
    wrong += [
        (name, f"{name} is missing: {_say(rule)}") for name, rule in rules.items() if _is_missing(rule, name, given)
    ]
    wrong += [
        (name, f"{name}={given[name]} is invalid: {_say(rule)}")
        for name, rule in rules.items()
        if name in given and not rule.admits(given[name])
    ]
    if not wrong:
        try:
            fill(definition, given)
        except ValueRefused as refused:  # the rule admits more than its place in an address does
            name = refused.name
            wrong = [(name, f"{name}={given.get(name)} is not allowed in an address: {_say(rules[name])}")]
    if wrong:
        first = wrong[0][0] if wrong[0][0] in rules else _nearest(definition, wrong[0][0])
        hint = f"--variable {first}={_example(rules[first])}" if first else "omit --variable"
        raise WrongVariables([fault for _, fault in sorted(wrong)], hint)


def variable_rows(definition: ProviderDefinition, given: Mapping[str, str]) -> dict[str, str]:
    """Name -> what it is, and what it is set to."""
    return {
        name: f"{given[name]} ({rule.title})" if name in given else _say(rule)
        for name, rule in definition.variables.items()
    }


def _is_missing(rule: VariableRule, name: str, given: Mapping[str, str]) -> bool:
    return rule.default is None and name not in given


def _unknown(definition: ProviderDefinition, name: str) -> str:
    nearest = _nearest(definition, name)
    said = f"; is it {nearest}?" if nearest else ""
    return f"{definition.provider_id} has no variable {name}{said}"


def _nearest(definition: ProviderDefinition, name: str) -> str:
    """The variable that is probably meant, else any; "" if the file has none."""
    names = sorted(definition.variables)
    return next(iter([*difflib.get_close_matches(name, names, n=1, cutoff=0.0), *names]), "")


def _say(rule: VariableRule) -> str:
    """What the variable is, and which values it accepts."""
    if rule.values:
        wanted = "one of " + ", ".join(rule.values)
    else:
        wanted = f"as {rule.example}" if rule.example else f"like {rule.pattern}"
    return f"{rule.title}, {wanted}" + (f" (default {rule.default})" if rule.default is not None else "")


def _example(rule: VariableRule) -> str:
    return rule.example or rule.default or next(iter(rule.values), "VALUE")
