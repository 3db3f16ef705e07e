"""A provider's ID token: nothing of it is used before signature and claims are verified (OIDC Core 3.1.3.7, CB-08)."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.protocol.errors import InvalidToken
from chalicelib.protocol.id_token import verify_provider_id_token
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import ProviderMisbehaved


def unverified_kid(id_token: str) -> str | None:
    """The key id that the header names, only to know whether the key set must be fetched anew; None when unreadable."""
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
            issuer=endpoints.issuer,
            client_id=client_id,
            nonce=nonce if definition.authorization.nonce else None,
            now=now,
        )
    except InvalidToken as refusal:
        raise ProviderMisbehaved(f"id_token_{refusal.reason}") from None
