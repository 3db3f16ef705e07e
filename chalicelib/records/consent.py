"""What one subject has allowed one client, over all sign-ins."""

from msgspec import Struct

from chalicelib.records.marks import NO_MARKS, Marks


class Consent(Struct, frozen=True, kw_only=True):
    """A sign-in only adds to it; only the account page and revocation narrow it.

    redirect_hashes       SHA-256 hex of the redirect URIs that the user has seen, without a loopback port
    default_connections   provider id -> connection id
    decided_at            when the last decision was made that added to it; a mark after that voids all of it
    version               compared by every write; setting a mark raises it too
    """

    sub: str
    client_id: str
    scopes: frozenset[str] = frozenset()
    redirect_hashes: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    default_connections: dict[str, str] = {}
    client_revision: int = 0
    decided_at: int = 0
    version: int = 0
    epoch: int = 0
    marks: Marks = NO_MARKS
