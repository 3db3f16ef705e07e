"""One provider file as a value."""

import datetime
import re
from typing import Literal

from msgspec import Struct

from chalicelib.providers.definition.sections import (
    ApiRules,
    AuthorizationRules,
    Registration,
    ScopeText,
    TokenRules,
)
from chalicelib.providers.definition.sections_identity import IdentityRules
from chalicelib.providers.definition.sections_mark import MarkRules
from chalicelib.providers.definition.sections_tokens import ExchangeRules, RefreshRules, RevocationRules
from chalicelib.providers.definition.sections_values import ClientAssertion, MetadataRule, VariableRule

PROVIDER_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
AuthMethod = Literal["client_secret_basic", "client_secret_post", "client_assertion", "signed_secret", "none"]


class ProviderDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider file.

    documentation     page that was read -> dotted keys that it states; a key names everything below it too
    unverified        dotted keys that no page was found for
    notes             what else a reader should know
    issuer            RFC 8414 issuer, compared with `iss` of callback and ID token; without it the operator names one
    discovery         endpoints come from the issuer's metadata; otherwise they are set here
    sign_in_scopes    always asked for, since without them nobody could be identified; implied by every consent
    implied_scopes    granted by the provider on its own with every sign-in; they exceed nothing that a user allows
    scope_includes    a scope -> the smaller scopes that it contains or other names for it
    new_grant_ends_old  a second sign-in of the same user ends the tokens of the first
    quirks            the small class in providers/quirks/ that does what no key can say
    """

    provider_id: str
    display_name: str
    documentation: dict[str, tuple[str, ...]]
    checked_on: datetime.date
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    issuer: str | None = None
    discovery: bool = False
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_method: AuthMethod = "client_secret_basic"
    id_token_signing_alg_values_supported: tuple[Literal["RS256", "ES256", "PS256", "EdDSA"], ...] = ()
    sign_in_scopes: tuple[str, ...] = ()
    implied_scopes: tuple[str, ...] = ()
    scope_includes: dict[str, tuple[str, ...]] = {}
    scopes: dict[str, ScopeText] = {}
    new_grant_ends_old: bool = False
    quirks: str | None = None
    variables: dict[str, VariableRule] = {}
    metadata: dict[str, MetadataRule] = {}
    client_assertion: ClientAssertion | None = None
    authorization: AuthorizationRules = AuthorizationRules()
    token: TokenRules = TokenRules()
    exchange: ExchangeRules | None = None
    refresh: RefreshRules = RefreshRules()
    identity: IdentityRules = IdentityRules()
    revocation: RevocationRules = RevocationRules()
    api: ApiRules | None = None
    registration: Registration | None = None
    mark: MarkRules = MarkRules()

    @property
    def is_openid(self) -> bool:
        """True where an ID token says who signed in."""
        return self.identity.source == "id_token"

    def expand(self, scopes: frozenset[str]) -> frozenset[str]:
        """These scopes and all that they contain, by the file's `scope_includes`."""
        reached, new = set(scopes), set(scopes)
        while new:
            new = {inner for scope in new for inner in self.scope_includes.get(scope, ())} - reached
            reached |= new
        return frozenset(reached)
