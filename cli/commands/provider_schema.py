"""broker provider schema: the settings of a provider file, as a JSON Schema for editors or as a page for people.

Both are made from the record that a file is parsed into, so that no setting is missing in either.
"""

import argparse
import inspect
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from chalicelib.providers.definition import PROVIDER_ID, ProviderDefinition
from cli.commands.provider_schema_rules import add_rules

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HTTPS = "^https://"
_LINE = re.compile(r"((?:[a-z_]+|\*_path)(?:, [a-z_]+)*) {2,}(\S.*)")
_COMMON = {
    "method": "HTTP method of the request",
    "parameters": "sent in addition to the standard ones",
    "headers": "sent with the request; {client_id} is filled in",
    "scope_separator": "separates scopes",
    "grant_type": "the provider's name for this grant type",
    "endpoint": "the address",
}
# Descriptions of the settings that a docstring does not explain, usually because an RFC defines the name.
_WORDS: dict[str, dict[str, str]] = {
    "ProviderDefinition": {
        "provider_id": "the file's name without `.toml`; the prefix of the provider's scopes",
        "display_name": "the name that users see",
        "checked_on": "the date on which you read the pages",
        "authorization_endpoint": "RFC 8414",
        "token_endpoint": "RFC 8414",
        "userinfo_endpoint": "OpenID Connect Discovery; or the address that identifies the user",
        "jwks_uri": "RFC 8414",
        "revocation_endpoint": "RFC 8414",
        "authorization_response_iss_parameter_supported": "RFC 9207: every callback must have `iss`",
        "token_endpoint_auth_method": "how the broker authenticates; `[client_assertion]` defines what it signs",
        "id_token_signing_alg_values_supported": "the only algorithms that the broker accepts",
        "scopes": "every scope that an app may request, in plain words",
        "variables": "values that the operator sets; use them as {NAME} in addresses",
        "metadata": "values of one connection; use them as {NAME} in addresses",
        "client_assertion": "the JWT with which the broker authenticates",
        "authorization": "the authorization request",
        "token": "the token endpoint",
        "exchange": "a second exchange after that of the code",
        "refresh": "refreshing, and what is safe after a lost response",
        "identity": "how the user is identified",
        "revocation": "how tokens are revoked at the provider",
        "api": "the API, for the proxy",
        "registration": "your registration at the provider, only for the local `serve`",
        "mark": "the provider's mark on the buttons of the hosted pages",
    },
    "ScopeText": {
        "title": 'completes "This app will be able to ..."',
        "access": "what it allows",
    },
    "VariableRule": {"title": "its name, for the operator", "example": "a valid value"},
    "MetadataRule": {
        "pattern": "a pattern for the whole value",
        "values": "the allowed values, instead of a pattern",
        "default": "used if there is no value; without a default the sign-in then fails",
    },
    "ClientAssertion": {
        "algorithm": "the signature algorithm",
        "audience": "`aud`",
        "issuer": "`iss`",
        "subject": "`sub`",
        "key_id": "`kid` in the header",
        "lifetime_seconds": "from `iat` to `exp`",
    },
    "AuthorizationRules": {
        "scope_parameter": "name of the parameter for the scopes",
        "client_id_parameter": "name of the parameter for the client ID",
        "pkce": "the broker sends S256 unless off; required: the provider refuses requests without it",
        "nonce": "the broker sends and checks an OpenID Connect nonce",
    },
    "TokenRules": {
        "body": "format of the parameters",
        "accept": "the `Accept` header",
        "default_expires_seconds": "lifetime of an access token if the response has none",
    },
    "ExchangeRules": {},
    "RefreshRules": {
        "grace_seconds": "length of the grace period",
        "keep_old_if_missing": "after a response without a refresh token, the old one stays valid",
        "token_parameter": "name of the parameter for the token",
        "sends_scope": "send the granted scopes",
        "sends_redirect_uri": "send the redirect URI",
        "hard_expiry_seconds": "from the sign-in to the expiry of all its refresh tokens",
        "idle_expiry_seconds": "from the last use of a refresh token to its expiry",
        "terminal_errors": "error codes after which the user must sign in again",
    },
    "IdentityRules": {
        "issuer_claim": "a claim of the ID token that is part of its issuer",
        "email_list": "a separate request for a list of email addresses",
        "callback": "a profile in the callback",
    },
    "EmailList": {
        "email": "member with the address",
        "verified": "member that says whether it is verified",
        "primary": "member that says whether it is the primary one",
    },
    "CallbackProfile": {"parameter": "the parameter's name"},
    "RevocationRules": {"kind": "RFC 7009, or a request that you describe here"},
    "ApiRules": {"hosts": "further hosts that the proxy may call", "token_prefix": "text before the token"},
    "MarkRules": {},
    "Registration": {
        "client_id": "what the provider gave you",
        "client_secret": "`env:NAME`, never the secret",
        "variables": "values for `[variables]`",
    },
}


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """The word below `broker provider`; it needs no deployment."""
    schema = verbs.add_parser("schema", parents=[common], help="print the JSON Schema of provider files")
    schema.add_argument("--words", action="store_true", help="print a page for people instead")
    schema.set_defaults(alone=_print)


def _print(options: argparse.Namespace) -> int:
    print(describe_keys() if options.words else json.dumps(build_schema(), indent=2))
    return 0


def build_schema() -> dict[str, Any]:
    """The JSON Schema of a provider file (draft 2020-12), a description at every key."""
    document = msgspec.json.schema(ProviderDefinition)
    parts = {name: _without_null(part) for name, part in document["$defs"].items()}
    for record in _records(ProviderDefinition):
        part, words = parts[record.__name__], words_of(record)
        part["description"] = summary_of(record)
        for key, value in part["properties"].items():
            part["properties"][key] = {"description": words[key], **value}
    whole = parts["ProviderDefinition"]["properties"]
    whole["provider_id"]["pattern"] = f"^{PROVIDER_ID.pattern}$"
    whole["documentation"] |= {"propertyNames": {"pattern": HTTPS}, "minProperties": 1}
    add_rules(parts)
    top = {**parts.pop("ProviderDefinition"), "title": "A provider file of Token Broker"}
    return {"$schema": DIALECT, **top, "$defs": parts}


def describe_keys() -> str:
    """Every section as a list, in Markdown."""
    lines = [
        "# Provider file settings",
        "",
        "Look up a setting of a provider file. [Add a provider](providers.md) shows how to write one.",
        "`python3 dev.py broker provider schema --words` prints this page.",
    ]
    for title, record in _sections(ProviderDefinition, ""):
        lines += ["", f"## {title}", "", summary_of(record), ""]
        words, fields = words_of(record), msgspec.structs.fields(record)
        for said, alike in itertools.groupby(fields, key=lambda field: words[field.encode_name]):
            names = (f"`{field.encode_name}` ({_kind(field.type)}{_default(field)})" for field in alike)
            lines.append(f"- {', '.join(names)}: {said}")
    return "\n".join(lines)


def words_of(record: type[msgspec.Struct]) -> dict[str, str]:
    """Key -> what it means: from the docstring, else from above. Raises KeyError for a key without words."""
    said: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(record.__doc__ or "").splitlines()[1:]:
        if found := _LINE.fullmatch(line):
            names = found[1].split(", ")
            said |= dict.fromkeys(names, found[2])
        elif line.startswith("  "):
            said |= {name: f"{said[name]} {line.strip()}" for name in names}
    own = {**_COMMON, **_WORDS.get(record.__name__, {}), **said}
    return {
        field.encode_name: own[field.name] if field.name in own or not field.name.endswith("_path") else own["*_path"]
        for field in msgspec.structs.fields(record)
    }


def summary_of(record: type[msgspec.Struct]) -> str:
    """The first paragraph of its docstring."""
    return " ".join(inspect.cleandoc(record.__doc__ or "").split("\n\n")[0].split())


def _records(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """A record and all records in it, with repetitions."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _records(field.type)
    for inner in get_args(kind):
        yield from _records(inner)


def _sections(record: type[msgspec.Struct], at: str) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    yield (f"`[{at}]`" if at else "Top level"), record
    for field in msgspec.structs.fields(record):
        name = f"{at}.{field.encode_name}" if at else field.encode_name
        for inner in _records(field.type):
            if inner in get_args(field.type) or inner is field.type:
                yield from _sections(inner, name + (".NAME" if get_origin(field.type) is dict else ""))


def _without_null(part: Any) -> Any:
    """TOML has no null: a key is left out instead. What a section is unless said, its own keys say."""
    if isinstance(part, (list, tuple)):
        return [_without_null(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {name: _without_null(one) for name, one in part.items() if name != "properties"}
    if not _is_plain(kept.get("default")):
        kept.pop("default", None)
    if "properties" in part:
        kept["properties"] = {name: _without_null(one) for name, one in part["properties"].items()}
    choices = [one for one in kept.pop("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        return {**kept, **choices[0]}
    return {**kept, "anyOf": choices} if choices else kept


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, dict)


def _kind(kind: Any) -> str:
    """A type in words."""
    choices = [one for one in get_args(kind) if one is not type(None)]
    origin = get_origin(kind)
    if origin is Literal:
        words = [f"`{word}`" if word else "empty" for word in choices]
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    if origin is tuple:
        return f"list of {_kind(choices[0])}"
    if origin is dict:
        return f"table of {_kind(choices[1])}"
    if choices:
        return " or ".join(_kind(one) for one in choices)
    named = {"str": "text", "bool": "true or false", "int": "number", "date": "date"}
    return named.get(kind.__name__, "section")


def _default(field: Any) -> str:
    if field.required:
        return ", required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or value in ((), {}) or isinstance(value, msgspec.Struct):
        return ""
    return f", default `{json.dumps(value)}`"
