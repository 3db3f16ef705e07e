"""What the checks of provider files say, as far as a JSON Schema can say it too.

Placeholders, sources, and that a name stands somewhere, only `broker provider check` finds.
"""

from typing import Any

from chalicelib.providers.definition.checks import NEVER_SENT, OURS_THERE, SECRET_REFERENCE
from chalicelib.providers.definition.checks_placeholders import ENDPOINT, UNDER_ISSUER, VALUE_NAME
from chalicelib.providers.definition.placeholders import URL_KEYS
from chalicelib.providers.quirks import NAMES

_URL = {"pattern": f"^(?:{ENDPOINT.pattern})$"}
_URLS = (
    ("ProviderDefinition", " ".join(URL_KEYS)),
    ("ExchangeRules", "endpoint"),
    ("RefreshRules", "endpoint"),
    ("IdentityRules", "issuer"),
    ("EmailList", "endpoint"),
    ("RevocationRules", "url user_page"),
    ("MetadataRule", "url"),
)
_NAMED = {"propertyNames": {"pattern": f"^(?:{VALUE_NAME.pattern})$", "not": {"enum": ["client_id", "token"]}}}
_NOT_OURS = {"propertyNames": {"not": {"enum": sorted(OURS_THERE)}}}
_FIELDS: dict[tuple[str, str], dict[str, Any]] = {
    **{(record, name): _URL for record, names in _URLS for name in names.split()},
    ("ProviderDefinition", "quirks"): {"enum": sorted(NAMES)},
    ("ProviderDefinition", "checked_on"): {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    ("ProviderDefinition", "sign_in_scopes"): {"minItems": 1},
    ("ProviderDefinition", "documentation"): {
        "additionalProperties": {"minItems": 1},
    },
    ("ProviderDefinition", "variables"): _NAMED,
    ("ProviderDefinition", "metadata"): _NAMED,
    ("AuthorizationRules", "scope_separator"): {"enum": [" ", ","]},
    ("AuthorizationRules", "parameters"): {"propertyNames": {"not": {"enum": sorted(NEVER_SENT)}}},
    ("TokenRules", "parameters"): _NOT_OURS,
    ("RefreshRules", "parameters"): _NOT_OURS,
    ("ExchangeRules", "parameters"): _NOT_OURS,
    ("ApiRules", "base_url"): {"pattern": f"^(?:{ENDPOINT.pattern}|{UNDER_ISSUER.pattern})$"},
    ("ClientAssertion", "lifetime_seconds"): {"minimum": 1, "maximum": 86_400},
    ("Registration", "client_secret"): {"pattern": f"^(?:{SECRET_REFERENCE.pattern})$"},
}


def add_rules(definitions: dict[str, Any]) -> None:
    """Write them into the schemas of the records, by name."""
    for (name, key), more in _FIELDS.items():
        _merge(definitions[name]["properties"][key], more)
    for name, rules in _BETWEEN.items():
        definitions[name]["allOf"] = rules


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _when(key: str, values: list[Any], then: dict[str, Any], otherwise: dict[str, Any] | None = None) -> dict[str, Any]:
    """A rule between keys: where this one has one of these values."""
    test = {"properties": {key: {"enum": values}}, "required": [key]}
    return {"if": test, "then": then, **({"else": otherwise} if otherwise else {})}


def _without(*keys: str) -> dict[str, Any]:
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def _one_of(*keys: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [key]} for key in keys]}


_ENDPOINTS = {"required": ["issuer", "authorization_endpoint", "token_endpoint"]}
_SIGNS = ["client_assertion", "signed_secret"]
_BETWEEN: dict[str, list[dict[str, Any]]] = {
    "ProviderDefinition": [
        _when("discovery", [True], {}, _ENDPOINTS),
        _when("token_endpoint_auth_method", _SIGNS, {"required": ["client_assertion"]}, _without("client_assertion")),
    ],
    "VariableRule": [_when("kind", ["url"], _without("pattern", "values"), _one_of("pattern", "values"))],
    "MetadataRule": [
        _when("from", ["request"], {"required": ["url"]}, _without("url")),
        _when("from", ["callback"], _without("suffixes")),
        _one_of("pattern", "values", "suffixes"),
    ],
    "RefreshRules": [
        _when("grace", ["same", "sibling", "newest"], {"required": ["grace_seconds"]}),
        _when("kind", ["swap"], {"required": ["grant_type", "token_parameter"]}),
    ],
    "RevocationRules": [_when("kind", ["request"], {"required": ["url"]}, _without("url"))],
}
