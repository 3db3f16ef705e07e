"""A template with the values of its parameters put in: what CloudFormation makes of it, before it makes anything."""

import re
from typing import Any


def settle(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Resources and outputs, without those whose condition does not hold; what CloudFormation alone knows stays."""
    values = {name: parameter.get("Default") for name, parameter in template.get("Parameters", {}).items()} | given
    decided = {name: _decide(_fill(each, values, {})) for name, each in template.get("Conditions", {}).items()}
    wanted = {
        name: {key: value for key, value in each.items() if key != "Condition"}
        for name, each in template["Resources"].items()
        if decided.get(each.get("Condition"), True)
    }
    settled: dict[str, Any] = _fill({"Resources": wanted, "Outputs": template["Outputs"]}, values, decided)
    return settled


def _decide(condition: Any) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _decide(inner)
        case {"Fn::Equals": [one, other]}:
            return bool(one == other)
    raise ValueError(condition)


def _fill(value: Any, values: dict[str, Any], decided: dict[str, bool]) -> Any:
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::If": [name, yes, no]}:
            return _fill(yes if decided[name] else no, values, decided)
        case {"Fn::Sub": [text, beside]}:
            return _fill_text(text, values | _fill(beside, values, decided))
        case {"Fn::Sub": text}:
            return _fill_text(text, values)
        case dict():
            return {name: _fill(each, values, decided) for name, each in value.items()}
        case list():
            return [_fill(each, values, decided) for each in value]
    return value


def _fill_text(text: str, values: dict[str, Any]) -> Any:
    """Plain text where every name is known, and a substitution of the rest otherwise."""

    def said(found: re.Match[str]) -> str:
        match values.get(found[1]):
            case None:
                return found[0]
            case {"Ref": name}:
                return f"${{{name}}}"
            case value:
                return str(value)

    filled = re.sub(r"\$\{([^!}]+)\}", said, text)
    return {"Fn::Sub": filled} if "${" in filled else filled
