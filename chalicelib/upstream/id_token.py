"""A provider's ID token: nothing of it is used before signature and claims are verified (OIDC Core 3.1.3.7, CB-08)."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.provider_id_token import IssuerByClaim, verify_provider_id_token
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import ProviderMisbehaved


def unverified_kid(id_token: str) -> str | None:
    """The key id in the header, only to know whether to fetch the key set again; None if the token is unreadable."""
    segment = id_token.partition(".")[0]
    if len(segment) > 2048:
        return None
    try:
        header = msgspec.json.decode(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) and len(kid) <= 256 else None


def read_id_token(
    definition: ProviderDefinition,
    endpoints: Endpoints,
    id_token: str | None,
    *,
    jwks: Mapping[str, Any],
    client_id: str,
    nonce: str,
    now: int,
) -> dict[str, Any]:
    """The verified claims.

    jwks    of the provider's own address, as `ProviderDirectory.jwks` gives it
    nonce   the one of this sign-in

    Raises ProviderMisbehaved: missing, forged, another's, over, or of another sign-in.
    """
    if id_token is None:
        raise ProviderMisbehaved("id_token_missing")
    try:
        return verify_provider_id_token(
            id_token,
            jwks=jwks,
            algorithms=definition.id_token_signing_alg_values_supported,
            issuer=_issuer(definition, endpoints),
            client_id=client_id,
            nonce=nonce if definition.authorization.nonce else None,
            now=now,
        )
    except InvalidToken as refusal:
        raise ProviderMisbehaved(f"id_token_{refusal.reason}") from None


def _issuer(definition: ProviderDefinition, endpoints: Endpoints) -> str | IssuerByClaim:
    """The provider's own, or where it has one for each tenant, the rule by which the token names its; that of one
    tenant alone where the operator has named it in the way that tokens do."""
    rules = definition.identity
    if rules.issuer_claim is None:
        return endpoints.issuer
    by_claim = IssuerByClaim(template=rules.issuer or "", claim=rules.issuer_claim, pattern=rules.issuer_pattern or "")
    return endpoints.issuer if by_claim.names_one(endpoints.issuer) else by_claim
