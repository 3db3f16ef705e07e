"""Who did what, written before it happens; nothing here is a token or an input."""

from msgspec import Struct


class AuditEvent(Struct, frozen=True, kw_only=True):
    """One act on record.

    event      "handout", "proxy", "client_created", ...
    token_id   SHA-256 hex of the token handed out or sent, never the token
    method     of a call through the proxy, and after it the kind of host: "GET base"; never the path
    """

    event: str
    at: int
    request_id: str
    sub: str = ""
    client_id: str = ""
    provider_id: str = ""
    connection_id: str = ""
    scopes: frozenset[str] = frozenset()
    token_id: str = ""
    reason: str = ""
    method: str = ""
