"""Audit records, each written before the act. They contain no token and no user input."""

from msgspec import Struct

RETENTION_SECONDS = 400 * 86400


class AuditEvent(Struct, frozen=True, kw_only=True):
    """One recorded act.

    event      "handout", "proxy", "acted"
    client_id  the client that the user allowed
    actor_id   the client that acts for it (RFC 8693)
    audience   the API that the actor calls
    grant_id   the grant that was used
    token_id   SHA-256 hex of the token that was handed out or sent, never the token
    method     of a proxied call, followed by the kind of host: "GET base"; never the path
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
    """The part of an audit event that counting needs."""

    event: str
    at: int
    connection_id: str = ""
    client_id: str = ""
    actor_id: str = ""
    audience: str = ""


class Traces(Struct, frozen=True, kw_only=True):
    """The newest events, newest first.

    is_cut   there may be older events that were not read
    """

    found: tuple[Trace, ...]
    is_cut: bool
