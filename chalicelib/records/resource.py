"""A team's own API that accepts the broker's access tokens (RFC 8707)."""

from msgspec import Struct


class Resource(Struct, frozen=True, kw_only=True):
    """One registered audience. It may not be the broker's issuer or a path below it.

    audience         absolute URI without fragment
    scopes           the API's own scopes
    token_seconds    lifetime of its access tokens; None: the deployment's
    """

    audience: str
    scopes: frozenset[str] = frozenset()
    token_seconds: int | None = None
    created_at: int = 0
