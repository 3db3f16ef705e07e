"""Addresses, and what is filled into them: which `{name}` may stand where, and what its values may be."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.providers.definition.checks import is_pattern
from chalicelib.providers.definition.errors import Fault
from chalicelib.providers.definition.placeholders import (
    LABEL,
    PLACEHOLDER,
    ValueRefused,
    check_place,
    is_origin_template,
    names_in_authority,
)
from chalicelib.providers.definition.provider import ProviderDefinition
from chalicelib.providers.definition.sections_values import MetadataRule, VariableRule

VALUE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HOST = r"[a-z0-9.{}_-]+"
ENDPOINT = re.compile(
    rf"(?:https://{_HOST}|\{{[a-z0-9_]+\}})(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/{{}}-]*)?(?:\?[A-Za-z0-9._~=&%,:{{}}-]*)?"
)
UNDER_ISSUER = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})+")
# Needed before anything has come back from the provider, or where no connection is at hand.
_BEFORE = frozenset({"issuer", "authorization_endpoint", "jwks_uri", "revocation.user_page", "identity.subject"})
_ASSERTION = ("client_assertion.issuer", "client_assertion.subject", "client_assertion.audience")
_BEFORE_TOKENS = frozenset({"token_endpoint", "exchange.endpoint", *_ASSERTION, "client_assertion.key_id"})
_TEXTS = ("identity.subject", *_ASSERTION, "client_assertion.key_id")
_CLIENT_ID_TOO = ("client_assertion.", "identity.headers.", "api.headers.", "revocation.")
_TOKEN_TOO = ("identity.body.", "revocation.json.", "revocation.form.", "revocation.url")
_FREE = re.compile(r"notes|display_name|documentation\..*|unverified|.*pattern|.*\.title|.*\.example|registration\..*")
_NOT_METADATA = frozenset({"code", "state", "iss", "error", "client_id", "token"})
Faults = Iterator[Fault]
Addresses = tuple[tuple[str, str], ...]


def check_placeholders(definition: ProviderDefinition, document: Mapping[str, Any]) -> list[Fault]:
    """Every address and every placeholder of the file."""
    addresses = tuple(_addresses(definition))
    return [
        *_check_addresses(addresses),
        *_check_rules(definition),
        *_check_use(definition, document, addresses),
        *_check_authorities(definition, addresses),
    ]


def _addresses(definition: ProviderDefinition) -> Iterator[tuple[str, str]]:
    """Dotted key -> template of every URL in the file; a host of the API as a URL of its own."""
    identity, api = definition.identity, definition.api
    named = {
        "issuer": definition.issuer,
        "authorization_endpoint": definition.authorization_endpoint,
        "token_endpoint": definition.token_endpoint,
        "userinfo_endpoint": definition.userinfo_endpoint,
        "jwks_uri": definition.jwks_uri,
        "revocation_endpoint": definition.revocation_endpoint,
        "exchange.endpoint": definition.exchange.endpoint if definition.exchange else None,
        "refresh.endpoint": definition.refresh.endpoint,
        "identity.issuer": identity.issuer,
        "identity.email_list.endpoint": identity.email_list.endpoint if identity.email_list else None,
        "revocation.url": definition.revocation.url,
        "revocation.user_page": definition.revocation.user_page,
        "api.base_url": api.base_url if api and not UNDER_ISSUER.fullmatch(api.base_url) else None,
        **{f"metadata.{name}.url": rule.url for name, rule in definition.metadata.items()},
    }
    yield from ((key, url) for key, url in named.items() if url is not None)
    yield from (("api.hosts", "https://" + host) for host in (api.hosts if api else ()))


def hosts_of(definition: ProviderDefinition) -> frozenset[str]:
    """With whom the broker, or a browser that it sends, speaks for this provider."""
    asked = (url for key, url in _addresses(definition) if key != "revocation.user_page")
    return frozenset(urlsplit(url).netloc or url for url in asked)


def _check_addresses(addresses: Addresses) -> Faults:
    for key, url in addresses:
        if not ENDPOINT.fullmatch(url):
            yield Fault(key, f"{key} must be an https URL", 'write "https://HOST/PATH", without port, user or fragment')


def _check_rules(definition: ProviderDefinition) -> Faults:
    both: dict[str, VariableRule | MetadataRule] = {
        **{f"variables.{name}": rule for name, rule in definition.variables.items()},
        **{f"metadata.{name}": rule for name, rule in definition.metadata.items()},
    }
    for name in definition.variables.keys() & definition.metadata.keys():
        yield Fault(f"metadata.{name}", f"{name} is a variable and metadata", "give one of them another name")
    for key, rule in both.items():
        if not VALUE_NAME.fullmatch(key.partition(".")[2]) or key.partition(".")[2] in ("client_id", "token"):
            yield Fault(key, f"{key} is no name for a value", "write a lower-case word, not client_id or token")
        if fault := _find_unruly(key, rule):
            yield fault
        elif rule.pattern is not None and not is_pattern(rule.pattern):
            yield Fault(f"{key}.pattern", f"{key}.pattern is no regular expression", "write one for the whole value")
        elif rule.default is not None and not rule.admits(rule.default):
            yield Fault(f"{key}.default", f"{key}.default is not what the rule admits", "correct one of them")
        elif isinstance(rule, VariableRule) and rule.example is not None and not rule.admits(rule.example):
            yield Fault(f"{key}.example", f"{key}.example is not what the rule admits", "correct one of them")
    for name, metadata in definition.metadata.items():
        if (metadata.origin == "request") != (metadata.url is not None):
            expected = f'metadata.{name}.url is for from = "request", and needed there'
            yield Fault(f"metadata.{name}", expected, "add the url, or remove it")
        if metadata.origin == "callback" and metadata.path in _NOT_METADATA:
            yield Fault(f"metadata.{name}.path", f"metadata.{name} may not be {metadata.path}", "keep another one")


def _find_unruly(key: str, rule: VariableRule | MetadataRule) -> Fault | None:
    """What a value must read like is said once."""
    said = [rule.pattern is not None, bool(rule.values)]
    if isinstance(rule, VariableRule):
        if rule.kind == "url" and any(said):
            return Fault(key, f"{key} is a url: pattern and values are for texts", "remove them")
        if rule.kind == "url":
            return None if rule.example else Fault(key, f"{key}.example is missing: it is a url", "add an example")
    elif rule.suffixes:
        said.append(True)
        if rule.origin == "callback":
            return Fault(key, f"{key}.suffixes: a callback comes through the browser", "list its values")
        if bad := [one for one in rule.suffixes if not _DOMAIN.fullmatch(one)]:
            return Fault(f"{key}.suffixes", f"{key}.suffixes: {bad[0]!r} is no domain", 'write "my.example.com"')
    if said.count(True) == 1:
        return None
    return Fault(key, f"{key} needs a pattern or values, one of the two", "say what the value must read like")


def _check_use(definition: ProviderDefinition, document: Mapping[str, Any], addresses: Addresses) -> Faults:
    """Each `{name}` is declared and stands where it is filled in; each variable stands somewhere."""
    used = set[str]()
    filled = {*_TEXTS, *(key for key, _ in addresses)}
    for key, text in _texts(document, ""):
        allowed: set[str | None] = set()
        if key in filled:
            allowed |= definition.variables.keys() | _known_at(definition, key)
        if key.startswith("authorization.parameters."):
            allowed |= definition.variables.keys()
        if key.startswith(_CLIENT_ID_TOO):
            allowed.add("client_id")
        if key.startswith(_TOKEN_TOO):
            allowed.add("token")
        if key == "identity.issuer":
            allowed.add(definition.identity.issuer_claim)
        for name in PLACEHOLDER.findall(text):
            used.add(name)
            if name not in allowed:
                expected = f"{key}: {{{name}}} is not filled in here"
                yield Fault(key, expected, "declare it in [variables] or [metadata], or write the value itself")
    for name in definition.variables.keys() - used:
        if definition.quirks is None:
            yield Fault(f"variables.{name}", f"{{{name}}} stands nowhere in the file", "use it, or remove the variable")


def _known_at(definition: ProviderDefinition, key: str) -> set[str]:
    """The metadata that there is where this text is filled in. A callback comes through the browser: what it says is
    part of who the user is, or for whom we sign, only where the code is redeemed at that very host."""
    if key in _BEFORE:
        return set()
    origins = {"callback"} if key in _BEFORE_TOKENS else {"callback", "token", "request"}
    if key.startswith("metadata."):
        origins = {"callback", "token"}
    vouched: tuple[str, ...] = ()
    if key == "identity.issuer" or key.startswith("client_assertion."):
        origins = origins - {"callback"}
        vouched = names_in_authority(definition.token_endpoint or "")
    known = {name for name, rule in definition.metadata.items() if rule.origin in origins}
    return known | (definition.metadata.keys() & set(vouched))


def _check_authorities(definition: ProviderDefinition, addresses: Addresses) -> Faults:
    """Check that no user and no client can choose the host that the broker calls (FETCH-01)."""
    for key, template in addresses:
        if not ENDPOINT.fullmatch(template):
            continue
        for name in names_in_authority(template):
            rule = definition.metadata.get(name) or definition.variables.get(name)
            if rule is None:
                yield Fault(key, f"{key}: {{{name}}} may not stand in a host", "write the host itself")
            elif isinstance(rule, VariableRule) and rule.kind == "url":
                if template != f"{{{name}}}":
                    yield Fault(key, f"{key}: {{{name}}} is a url and must be all of it", f'write "{{{name}}}"')
            elif not _is_bounded(rule) and (name in definition.metadata or is_origin_template(template)):
                expected = f"{key}: {{{name}}} decides a host, so its values must be listed"
                yield Fault(f"metadata.{name}", expected, 'write values = ["...", "..."] instead of a pattern')
            elif bad := [one for one in _samples(rule) if not _fits(name, one, key, template)]:
                expected = f"{key}: {bad[0]!r} cannot stand for {{{name}}}"
                yield Fault(key, expected, "an origin is https://HOST, a part of a host one label without dots")


def _is_bounded(rule: VariableRule | MetadataRule) -> bool:
    """The file says which hosts there may be: it lists them, or the domains of the provider that they lie below."""
    return bool(rule.values) or (isinstance(rule, MetadataRule) and bool(rule.suffixes))


def _samples(rule: VariableRule | MetadataRule) -> list[str]:
    """Values that the file itself names."""
    below = [f"https://a.{one}" for one in rule.suffixes] if isinstance(rule, MetadataRule) else []
    return [*rule.values, *below, *([rule.default] if rule.default else [])]


def _fits(name: str, value: str, key: str, template: str) -> bool:
    try:
        check_place(name, value.removeprefix("https://") if key == "api.hosts" else value, template)
    except ValueRefused:
        return False
    return True


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text of the file that is not free, with its dotted key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else name)
    elif _FREE.fullmatch(key):
        return
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif isinstance(value, str):
        yield key, value
