"""Stored connections to providers. Each method is one conditional write."""

from collections.abc import Mapping
from typing import Protocol

from chalicelib.ports.outcomes import Refused, Written
from chalicelib.records.connection import Connection, Ending, Recovery


class ConnectionStore(Protocol):
    """Connections, from sign-in to the end of their tokens."""

    def put_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Write a sign-in's tokens if the item is absent, or one token generation below and without a refresh attempt
        since it was read. Ignores the lease. Replaces a tombstone only with a later decision."""

    def clear_outgoing(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Delete the replaced refresh tokens after their revocation, if the connection is unchanged."""

    def revoke_connection(self, connection: Connection, *, now: int) -> Written[Connection] | Refused[Connection]:
        """any -> revoked, if no sign-in has come since it was read; the tombstone retains its encrypted tokens."""

    def record_endings(
        self, connection: Connection, endings: Mapping[str, Ending], *, settled_at: int = 0
    ) -> Written[Connection] | Refused[Connection]:
        """Record the outcome for a tombstone's tokens, if it is unchanged since it was read.

        settled_at   when all calls of its revocation had ended; 0: more calls follow
        """

    def note_idle(self, connection: Connection, *, since: int) -> Written[Connection] | Refused[Connection]:
        """Record since when no live grant uses it (0: one does), if no sign-in has come since it was read."""

    def demand_sign_in(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """active, partial -> reauth_required, if no token has been written since it was read."""

    def reseal_connection(self, connection: Connection) -> Written[Connection] | Refused[Connection]:
        """Replace the encrypted values of a tombstone, if it is unchanged since it was read."""


class RefreshStore(Protocol):
    """One refresh at a provider: its lease, the provider's response, and the result."""

    def lease_connection(
        self, connection: Connection, *, owner: str, doubt: bool, now: int, until: int
    ) -> Written[Connection] | Refused[Connection]:
        """Take the lease for the request to the provider, if generation and attempt are unchanged and no lease is
        active.

        doubt   the refresh token may have been used before
        """

    def put_recovery(
        self, recovery: Recovery, *, replacing: Recovery | None = None
    ) -> Written[Recovery] | Refused[Recovery]:
        """Store a provider's response if there is none, or only an older one of the same line.

        replacing   the one that is replaced, if it is unchanged
        """

    def empty_recovery(self, recovery: Recovery) -> Written[Recovery] | Refused[Recovery]:
        """Delete a response whose tokens were revoked at the provider, if it is unchanged."""

    def commit_refresh(
        self, connection: Connection, *, owner: str, attempt: int, keeps_lost: bool
    ) -> Written[Connection] | Refused[Connection]:
        """Write the next generation, if the connection has the preceding one, is not revoked, and no newer attempt has
        begun.

        owner     of the lease; "" for a caller that finishes from the recovery item
        attempt   as the caller has read it
        keeps_lost   the tokens of a lost response may still be valid, and the item continues to say so
        """

    def record_refresh_failure(
        self, connection: Connection, *, owner: str
    ) -> Written[Connection] | Refused[Connection]:
        """End an attempt without tokens, if the generation is unchanged and this owner still has the lease."""
