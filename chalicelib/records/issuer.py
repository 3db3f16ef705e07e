"""A trusted issuer: a signer of tokens that are not the broker's, and the rules under which clients may present them.

Only the operator's commands write this record. A valid signature alone gives no access: an acceptance rule has to fit.
"""

from typing import Literal

from msgspec import Struct

from chalicelib.records.revocation import NOT_REVOKED, Revocation

TokenKind = Literal["access_token", "id_token"]
MAX_RULES = 20


class ClaimValues(Struct, frozen=True, kw_only=True):
    """One claim and the exact texts that it may have."""

    claim: str
    values: frozenset[str]


class AcceptanceRule(Struct, frozen=True, kw_only=True):
    """Which tokens of an issuer which clients may present, and the most that such a token opens.

    kind              an ID token never passes as an access token, nor the reverse
    audience          exact text that `audience_claim` must name
    other_audiences   exact texts that a list may contain in addition
    parties           clients at the issuer that may have obtained the token, named by `party_claim`; empty: any
    clients           ids of the broker's clients that may present it; there is no wildcard
    require, refuse   claims that must, or must not, have one of these values
    typ               the `typ` header, lower case, without "application/"; "": the default of the kind,
                      "none": the header has no `typ`
    max_age           seconds since the token was issued
    scopes, resources the broker's own scopes and APIs that the token can open
    """

    kind: TokenKind
    audience: str
    clients: frozenset[str]
    audience_claim: str = "aud"
    other_audiences: frozenset[str] = frozenset()
    parties: frozenset[str] = frozenset()
    party_claim: str = "azp"
    require: tuple[ClaimValues, ...] = ()
    refuse: tuple[ClaimValues, ...] = ()
    typ: str = ""
    max_age: int = 3600
    scopes: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()


class Issuer(Struct, frozen=True, kw_only=True):
    """The operator's record of one issuer.

    issuer          exact text of the `iss` claim
    name            as the operator and the users read it
    jwks_uri        pinned when the issuer was added; no token and no later document changes it
    jwks            the keys themselves, for an issuer without `jwks_uri`
    algorithms      the signature algorithms that it may use; all asymmetric
    keys_after      epoch seconds: key sets that were fetched before this time are void
    subject_claim   the claim that names a user; never an email address
    tenant_claim    the claim that names a tenant; "": the issuer has one tenant
    tenants         the accepted tenants
    login_of        id of the provider whose sign-in identifies the same people; "": there is none
    """

    issuer: str
    name: str
    jwks_uri: str = ""
    jwks: tuple[dict[str, str], ...] = ()
    algorithms: frozenset[str] = frozenset()
    keys_after: int = 0
    subject_claim: str = "sub"
    tenant_claim: str = ""
    tenants: frozenset[str] = frozenset()
    login_of: str = ""
    rules: tuple[AcceptanceRule, ...] = ()
    created_at: int = 0
    revision: int = 1
    marks: Revocation = NOT_REVOKED

    def rules_for(self, kind: str, client_id: str) -> tuple[AcceptanceRule, ...]:
        """The rules by which this client may present a token of this kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind and client_id in rule.clients)

    def scopes_for(self, kind: str, client_id: str) -> frozenset[str]:
        """The own scopes that all these rules together open."""
        return frozenset[str]().union(*(rule.scopes for rule in self.rules_for(kind, client_id)))

    def resources_for(self, kind: str, client_id: str) -> frozenset[str]:
        """The APIs that all these rules together open."""
        return frozenset[str]().union(*(rule.resources for rule in self.rules_for(kind, client_id)))
