"""broker provider schema: the keys of a provider file, as a JSON Schema for editors or in words for people.

Both are made from the value that a file is read into, so that no key is missing in either.
"""

import argparse
import inspect
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
    "method": "of that request",
    "parameters": "sent with it, beside the standard ones",
    "headers": "sent with it; {client_id} is filled in",
    "scope_separator": "what stands between scopes",
    "grant_type": "what it is called there",
    "endpoint": "its address",
}
# What a docstring leaves to the name, which is that of an RFC as a rule.
_WORDS: dict[str, dict[str, str]] = {
    "ProviderDefinition": {
        "provider_id": "the file's name without `.toml`; stands before the colon of a scope",
        "display_name": "how users know it",
        "checked_on": "the day on which the pages were read",
        "authorization_endpoint": "RFC 8414",
        "token_endpoint": "RFC 8414",
        "userinfo_endpoint": "OpenID Connect Discovery; or the address that says who the user is",
        "jwks_uri": "RFC 8414",
        "revocation_endpoint": "RFC 8414",
        "authorization_response_iss_parameter_supported": "RFC 9207: every callback must have `iss`",
        "token_endpoint_auth_method": "how we prove ourselves there; what is signed says `[client_assertion]`",
        "id_token_signing_alg_values_supported": "the algorithms that are taken, no others",
        "scopes": "every scope that an app may ask for, in plain words",
        "variables": "values that the operator gives; {NAME} stands for them in addresses",
        "metadata": "values of one connection; {NAME} stands for them in addresses",
        "client_assertion": "how a JWT is signed that proves us",
        "authorization": "the authorization request",
        "token": "the token endpoint",
        "exchange": "a second exchange after the code's",
        "refresh": "refreshing, and what is safe after a lost answer",
        "identity": "who signed in",
        "revocation": "ending a token there",
        "api": "the API, for the proxy",
        "registration": "your registration there, for the local `serve` alone",
    },
    "ScopeText": {
        "title": 'completes "This app will be able to ..."',
        "access": "what it allows",
    },
    "VariableRule": {"title": "what it is, for the operator", "example": "one that would fit"},
    "MetadataRule": {
        "pattern": "what it must read like, whole",
        "values": "or what it must be",
        "default": "stands where there is none; without it the sign-in fails",
    },
    "ClientAssertion": {
        "algorithm": "of the signature",
        "audience": "`aud`",
        "issuer": "`iss`",
        "subject": "`sub`",
        "key_id": "`kid` of the header",
        "lifetime_seconds": "from `iat` to `exp`",
    },
    "AuthorizationRules": {
        "scope_parameter": "what the parameter of the scopes is called",
        "client_id_parameter": "what the parameter of our client id is called",
        "pkce": "S256 is sent unless off; required: it is refused without",
        "nonce": "an OpenID Connect nonce is sent and checked",
    },
    "TokenRules": {
        "body": "how the parameters are sent",
        "accept": "what we say that we take",
        "default_expires_seconds": "an access token's life where the answer does not say",
    },
    "ExchangeRules": {},
    "RefreshRules": {
        "grace_seconds": "how long reuse is harmless, as `grace` says",
        "keep_old_if_missing": "an answer without a refresh token leaves the old one good",
        "token_parameter": "what the parameter of the token is called",
        "sends_scope": "the granted scopes go along",
        "sends_redirect_uri": "our redirect URI goes along",
        "hard_expiry_seconds": "from the sign-in to the end of all its refresh tokens",
        "idle_expiry_seconds": "from its last use to a refresh token's end",
        "terminal_errors": "registered codes after which only the user can help",
    },
    "IdentityRules": {
        "issuer_claim": "a claim of the ID token that its issuer contains",
        "email_list": "a list of addresses, asked for apart",
        "callback": "a profile in the callback",
    },
    "EmailList": {"email": "member", "verified": "member", "primary": "member"},
    "CallbackProfile": {"parameter": "its name"},
    "RevocationRules": {"kind": "RFC 7009, or a call of the provider's own"},
    "ApiRules": {"hosts": "further hosts that the proxy may reach", "token_prefix": "what stands before the token"},
    "Registration": {
        "client_id": "what the provider gave you",
        "client_secret": "`env:NAME`, never the secret",
        "variables": "the values that the file asks for",
    },
}


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """The word below `broker provider`; it needs no deployment."""
    schema = verbs.add_parser("schema", parents=[common], help="the keys of a provider file, as a JSON Schema")
    schema.add_argument("--words", action="store_true", help="as a page of tables")
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
    """Every section as a table, in Markdown."""
    lines = [
        "# The keys of a provider file",
        "",
        "Made by `python3 dev.py broker provider schema --words`; [providers.md](providers.md) tells how to write one.",
    ]
    for title, record in _sections(ProviderDefinition, ""):
        lines += ["", f"## {title}", "", summary_of(record), "", "| key | value | unless said | |", "|---|---|---|---|"]
        words = words_of(record)
        for field in msgspec.structs.fields(record):
            name = field.encode_name
            lines.append(f"| `{name}` | {_kind(field.type)} | {_default(field)} | {words[name]} |")
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
    yield (f"`[{at}]`" if at else "At the top"), record
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
        return ", ".join(f"`{word}`" if word else "empty" for word in choices)
    if origin is tuple:
        return f"list of: {_kind(choices[0])}"
    if origin is dict:
        return f"table of: {_kind(choices[1])}"
    if choices:
        return " or ".join(_kind(one) for one in choices)
    named = {"str": "text", "bool": "true, false", "int": "number", "date": "day"}
    return named.get(kind.__name__, "section")


def _default(field: Any) -> str:
    if field.required:
        return "must be said"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or value in ((), {}) or isinstance(value, msgspec.Struct):
        return ""
    return f"`{json.dumps(value)}`"
