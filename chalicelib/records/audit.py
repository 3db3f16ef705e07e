"""Who did what, written before it happens; nothing here is a token or an input."""

from msgspec import Struct

RETENTION_SECONDS = 400 * 86400


class AuditEvent(Struct, frozen=True, kw_only=True):
    """One act on record.

    event      "handout", "proxy", "acted"
    client_id  whom the user allowed
    actor_id   the client that acts for it; audience: the API at which it does
    grant_id   which sign-in of the user used it
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
    grant_id: str = ""
    scopes: frozenset[str] = frozenset()
    token_id: str = ""
    reason: str = ""
    method: str = ""
    actor_id: str = ""
    audience: str = ""


class Trace(Struct, frozen=True, kw_only=True):
    """What an audit event says to whoever counts."""

    event: str
    at: int
    connection_id: str = ""
    client_id: str = ""
    actor_id: str = ""
    audience: str = ""


class Traces(Struct, frozen=True, kw_only=True):
    """The newest, newest first.

    is_cut   older ones may stand there that were not looked at
    """

    found: tuple[Trace, ...]
    is_cut: bool
