"""One user's account at one provider for one client, with its sealed tokens."""

from typing import Literal

from msgspec import Struct

ConnectionStatus = Literal["active", "partial", "in_doubt", "reauth_required", "revoked"]
# What became of a token at the provider. pending: a job waits for what a refresh may still bring; failed: the call did
# not work and a job repeats it; given_up: it was repeated for long enough; lost: an answer or a key is lost, so that
# nobody can end what it held.
Unended = Literal["not_supported", "kept_shared", "pending", "failed", "given_up", "lost"]
Ending = Literal["revoked"] | Unended


class Connection(Struct, frozen=True, kw_only=True):
    """What one user allowed one client at one account (never shared between clients).

    token_generation    fencing number: every write of tokens raises it, none lowers it
    line                the generation that the last sign-in wrote; refreshes go on from it
    connected_by        nonce of the sign-in that wrote it last; leases and refreshes never touch it
    granted             scopes that the provider said it granted, in the provider's own names
    is_partial          less was granted than was asked; a refresh leaves it so
    access_expires_at   None where the provider names no end
    tokens_at           when the present tokens were received
    reauth_by           when the user will have to sign in again, as far as the provider's file tells; None: never
    sealed_*            sealed apart under the user's key; the place is associated data
    sealed_previous     the refresh token before the present one, until the present one has worked once
    sealed_metadata     what this sign-in said about the connection for `[metadata]` of the provider's file
    outgoing            replaced refresh tokens, sealed, until they are revoked at the provider
    lease_owner         who may ask the provider for new tokens, until lease_until; "" nobody
    attempt             counts the leases
    attempt_started     when an attempt began whose end nobody has recorded; 0: none is open
    doubt_since         when an attempt of this generation began that may have spent the refresh token; 0: none did
    doubt_tries         when it was tried again in doubt
    lost                an answer was lost: 1 of this line, 2 of an earlier one
    failures, retry_at  failed attempts in a row, and until when the provider is left alone
    revoked_at          of a tombstone: only what was decided after it may connect again
    revoked_generation  of a tombstone: the generation that it ended
    settled_at          when the calls that its revocation needed had ended; 0: not yet
    endings             of a tombstone: what -> what became of it at the provider; empty while nobody has got that far
    account_id          opaque name of the account at the provider: so a user's connections of one account are known
    idle_since          when it was first seen without any live grant; 0: it has one, or nobody has looked
    """

    connection_id: str
    sub: str
    client_id: str
    provider_id: str
    status: ConnectionStatus
    token_generation: int
    connected_at: int
    connected_by: str
    line: int = 0
    granted: frozenset[str] = frozenset()
    is_partial: bool = False
    sealed_access_token: bytes = b""
    access_expires_at: int | None = None
    tokens_at: int = 0
    reauth_by: int | None = None
    sealed_refresh_token: bytes = b""
    sealed_previous: bytes = b""
    sealed_profile: bytes = b""
    sealed_metadata: bytes = b""
    outgoing: tuple[bytes, ...] = ()
    lease_owner: str = ""
    lease_until: int = 0
    attempt: int = 0
    attempt_started: int = 0
    doubt_since: int = 0
    doubt_tries: tuple[int, ...] = ()
    lost: int = 0
    failures: int = 0
    retry_at: int = 0
    epoch: int = 0
    revoked_at: int = 0
    revoked_generation: int = 0
    settled_at: int = 0
    endings: dict[str, Ending] = {}
    account_id: str = ""
    idle_since: int = 0

    def is_leased(self, now: int) -> bool:
        """True while somebody may be asking the provider; the store's condition for taking a lease is its opposite."""
        return self.lease_owner != "" and self.lease_until >= now


class Recovery(Struct, frozen=True, kw_only=True):
    """A provider's answer to a refresh, kept before anything else is done with it; one per connection.

    generation    of the tokens that were used: the answer makes the next one; -1 once nothing is left to keep
    attempt       of the lease under which it was received
    line          of the sign-in that it goes on from
    received_at   when it was received: lifetimes count from here
    sealed        the answer as it came, sealed under the user's key for this place
    """

    connection_id: str
    generation: int = -1
    attempt: int = 0
    line: int = 0
    epoch: int = 0
    received_at: int = 0
    sealed: bytes = b""
