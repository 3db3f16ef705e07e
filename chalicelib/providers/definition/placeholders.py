"""`{name}` in a provider file: the operator's variables and the connection's metadata, put where they belong.

A value never decides more than its place: in a host it is one label, in a path one segment, and a whole host or origin
only where the template is nothing else there. What a callback or an answer said becomes part of a host only if the file
lists it (FETCH-01); the checks of the file see to that, and `fill` compares each value with its rule once more.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from chalicelib.providers.definition.provider import ProviderDefinition
from chalicelib.providers.definition.sections import AuthorizationRules
from chalicelib.providers.definition.sections_identity import IdentityRules
from chalicelib.providers.definition.sections_values import URL, ClientAssertion, MetadataRule, VariableRule

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ONE_LABEL = re.compile(LABEL)
_HOST = re.compile(rf"{LABEL}(?:\.{LABEL})+")
_ORIGIN = re.compile(rf"https://{LABEL}(?:\.{LABEL})+")
_SEGMENT = re.compile(r"[!-~]{1,255}")
_HEAD = re.compile(r"(https?://[^/?#]*|\{[a-z0-9_]+\})(.*)", re.DOTALL)
URL_KEYS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "revocation_endpoint",
)


class ValueRefused(ValueError):
    """A value is not what the file allows in its place; `name` says whose."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the value of {name} is not one that the provider file allows")
        self.name = name


def fill(definition: ProviderDefinition, values: Mapping[str, str], *, complete: bool = False) -> ProviderDefinition:
    """The definition with these values, and the defaults of others, in their places.

    values     variables and metadata by name; names that the file does not declare are ignored
    complete   every piece of metadata has a value; else the placeholders of those without one stay

    Raises ValueRefused: one is missing, or is not what the file allows.
    """
    if not definition.variables and not definition.metadata:
        return definition
    known = _known(definition, values, complete=complete)
    revocation, refresh, api, exchange = definition.revocation, definition.refresh, definition.api, definition.exchange
    return replace(
        definition,
        **{key: _url(getattr(definition, key), known) for key in URL_KEYS},
        authorization=_authorization(definition.authorization, known),
        revocation=replace(revocation, url=_url(revocation.url, known), user_page=_url(revocation.user_page, known)),
        refresh=replace(refresh, endpoint=_url(refresh.endpoint, known)),
        exchange=exchange and replace(exchange, endpoint=_url(exchange.endpoint, known)),
        api=api and replace(api, base_url=_url(api.base_url, known), hosts=_hosts(api.hosts, known)),
        identity=_identity(definition.identity, known),
        metadata={name: replace(rule, url=_url(rule.url, known)) for name, rule in definition.metadata.items()},
        client_assertion=definition.client_assertion and _assertion(definition.client_assertion, known),
    )


def fill_text(template: str, values: Mapping[str, str]) -> str:
    """A template that is not a URL: each value is inserted unchanged."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def fill_url(template: str, values: Mapping[str, str]) -> str:
    """A URL with these values in it. Raises ValueRefused for one that would be more than its place allows."""
    head = _HEAD.fullmatch(template)
    if head is None:
        return template
    authority, rest = head[1], head[2]
    if is_origin_template(template) and not rest and URL.fullmatch(values.get(template[1:-1], "")):
        return values[template[1:-1]]
    return PLACEHOLDER.sub(lambda found: _in_authority(found, authority, values), authority) + PLACEHOLDER.sub(
        lambda found: _in_path(found, values), rest
    )


def check_place(name: str, value: str, template: str) -> None:
    """Raises ValueRefused where this value may not stand where the template has it."""
    fill_url(template, {name: value})


def names_in_authority(template: str) -> tuple[str, ...]:
    """The placeholders that decide with whom we speak."""
    head = _HEAD.fullmatch(template)
    return tuple(PLACEHOLDER.findall(head[1])) if head else ()


def is_origin_template(template: str) -> bool:
    """True where one placeholder is the whole origin."""
    return template.startswith("{")


def _known(definition: ProviderDefinition, values: Mapping[str, str], *, complete: bool) -> dict[str, str]:
    """A value for each name that has one, each held against its rule."""
    known: dict[str, str] = {}
    rules: dict[str, VariableRule | MetadataRule] = {**definition.variables, **definition.metadata}
    for name, rule in rules.items():
        value = values.get(name, rule.default)
        if value is not None and rule.admits(value):
            known[name] = value
        elif value is not None or complete or name in definition.variables:
            raise ValueRefused(name)
    return known


def _in_authority(found: re.Match[str], authority: str, values: Mapping[str, str]) -> str:
    value = values.get(found[1])
    if value is None:
        return found[0]
    whole = _ORIGIN if authority == found[0] else _HOST if authority == "https://" + found[0] else _ONE_LABEL
    if not whole.fullmatch(value):
        raise ValueRefused(found[1])
    return value


def _in_path(found: re.Match[str], values: Mapping[str, str]) -> str:
    value = values.get(found[1])
    if value is None:
        return found[0]
    if not _SEGMENT.fullmatch(value) or value in (".", ".."):
        raise ValueRefused(found[1])
    return quote(value, safe="")


def _url(template: Any, values: Mapping[str, str]) -> Any:
    return None if template is None else fill_url(template, values)


def _hosts(hosts: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """Hosts alone: a placeholder that is an origin elsewhere gives its host."""
    origins = {name: value for name, value in values.items() if value.startswith("https://")}
    return tuple(
        fill_url(host if host.strip("{}") in origins else f"https://{host}", values).removeprefix("https://")
        for host in hosts
    )


def _authorization(rules: AuthorizationRules, values: Mapping[str, str]) -> AuthorizationRules:
    """A parameter whose value is empty then is not sent."""
    filled = {name: fill_text(text, values) for name, text in rules.parameters.items()}
    return replace(rules, parameters={name: text for name, text in filled.items() if text})


def _identity(rules: IdentityRules, values: Mapping[str, str]) -> IdentityRules:
    email_list = rules.email_list
    if email_list is not None:
        email_list = replace(email_list, endpoint=fill_url(email_list.endpoint, values))
    subject = tuple(fill_text(path, values) for path in rules.subject_paths)
    subjects = subject[0] if len(subject) == 1 else subject
    return replace(rules, issuer=_url(rules.issuer, values), subject=subjects, email_list=email_list)


def _assertion(rules: ClientAssertion, values: Mapping[str, str]) -> ClientAssertion:
    texts = {"issuer": rules.issuer, "subject": rules.subject, "audience": rules.audience, "key_id": rules.key_id}
    return replace(rules, **{key: text and fill_text(text, values) for key, text in texts.items()})
