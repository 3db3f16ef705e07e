"""One provider file: its sections, the whole, how it is read, and everything that is checked before it is used.

Keys are RFC 8414 names where there is one. Times are seconds. Scopes are in the provider's own names throughout.
"""

from chalicelib.providers.definition.checks_placeholders import hosts_of
from chalicelib.providers.definition.errors import InvalidDefinition
from chalicelib.providers.definition.parsing import parse_definition
from chalicelib.providers.definition.placeholders import ValueRefused, fill
from chalicelib.providers.definition.provider import PROVIDER_ID, ProviderDefinition
from chalicelib.providers.definition.sections import (
    ApiRules,
    AuthorizationRules,
    Registration,
    ScopeText,
    TokenRules,
)
from chalicelib.providers.definition.sections_identity import CallbackProfile, EmailList, IdentityRules
from chalicelib.providers.definition.sections_tokens import ExchangeRules, RefreshRules, RevocationRules
from chalicelib.providers.definition.sections_values import ClientAssertion, MetadataRule, VariableRule

__all__ = [
    "PROVIDER_ID",
    "ApiRules",
    "AuthorizationRules",
    "CallbackProfile",
    "ClientAssertion",
    "EmailList",
    "ExchangeRules",
    "IdentityRules",
    "InvalidDefinition",
    "MetadataRule",
    "ProviderDefinition",
    "RefreshRules",
    "Registration",
    "RevocationRules",
    "ScopeText",
    "TokenRules",
    "ValueRefused",
    "VariableRule",
    "fill",
    "hosts_of",
    "parse_definition",
]
