"""A team's own API that takes our access tokens (RFC 8707)."""

from msgspec import Struct


class Resource(Struct, frozen=True, kw_only=True):
    """One audience of ours; it may not be our issuer or lie under it.

    audience         absolute URI without fragment
    scopes           own scopes of that API
    token_seconds    life of its access tokens; None: the deployment's
    """

    audience: str
    scopes: frozenset[str] = frozenset()
    token_seconds: int | None = None
    created_at: int = 0
