"""One user's account at one provider for one client, with its sealed tokens."""

from typing import Literal

from msgspec import Struct

ConnectionStatus = Literal["active", "partial", "in_doubt", "reauth_required", "revoked"]


class Connection(Struct, frozen=True, kw_only=True):
    """What one user allowed one client at one account (never shared between clients).

    token_generation    fencing number: every write of tokens raises it, none lowers it
    connected_by        nonce of the sign-in that wrote it last; leases and refreshes never touch it
    granted             scopes that the provider said it granted, in the provider's own names
    access_expires_at   None where the provider names no end
    sealed_*            sealed apart under the user's key; the place is associated data
    outgoing            replaced refresh tokens, sealed, until they are revoked at the provider
    revoked_at          of a tombstone: only what was decided after it may connect again
    """

    connection_id: str
    sub: str
    client_id: str
    provider_id: str
    status: ConnectionStatus
    token_generation: int
    connected_at: int
    connected_by: str
    granted: frozenset[str] = frozenset()
    sealed_access_token: bytes = b""
    access_expires_at: int | None = None
    sealed_refresh_token: bytes = b""
    sealed_profile: bytes = b""
    outgoing: tuple[bytes, ...] = ()
    epoch: int = 0
    revoked_at: int = 0
