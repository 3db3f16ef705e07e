"""One user's account at one provider for one client, with its encrypted tokens."""

from typing import Literal

from msgspec import Struct

ConnectionStatus = Literal["active", "partial", "in_doubt", "reauth_required", "revoked"]
# The result for a token at the provider. pending: a job waits for what a refresh may still bring. failed: the call
# did not work, and a job repeats it. given_up: the job repeated it long enough. lost: a response or a key is lost, so
# the broker cannot revoke what it contained.
Unended = Literal["not_supported", "kept_shared", "pending", "failed", "given_up", "lost"]
Ending = Literal["revoked"] | Unended


class Connection(Struct, frozen=True, kw_only=True):
    """What one user allowed one client at one account. Never shared between clients.

    token_generation    fencing number: every write of tokens raises it, nothing lowers it
    line                the generation that the last sign-in wrote; refreshes continue from it
    connected_by        nonce of the sign-in that wrote it last; leases and refreshes do not change it
    granted             scopes that the provider granted, in the provider's own names
    is_partial          the provider granted less than was requested; a refresh does not change it
    access_expires_at   None if the provider states no expiry
    tokens_at           when the present tokens were received
    reauth_by           when the user must sign in again, according to the provider's file; None: never
    sealed_*            encrypted separately under the user's key; the encryption context is associated data
    sealed_previous     the refresh token before the present one, until the present one has worked once
    sealed_metadata     values from this sign-in for `[metadata]` of the provider's file
    outgoing            replaced refresh tokens, encrypted, until they are revoked at the provider
    lease_owner         the request that may call the provider for new tokens, until lease_until; "": none
    attempt             counts the leases
    attempt_started     when an attempt began that has no recorded end; 0: none is open
    doubt_since         when an attempt of this generation began that may have spent the refresh token; 0: none did
    doubt_tries         when a refresh was tried in doubt
    lost                a response was lost: 1 of this line, 2 of an earlier one
    failures, retry_at  failed attempts in a row, and the time before which the provider is not called again
    revoked_at          of a tombstone: only a later decision may connect again
    revoked_generation  of a tombstone: the generation that was revoked
    settled_at          when the calls for its revocation had ended; 0: not yet
    endings             of a tombstone: part -> result at the provider; empty before the provider was called
    account_id          opaque id of the account at the provider, so that connections to the same account can be found
    idle_since          when a scan first found it without an active grant; 0: it has one, or was not scanned
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
        """True while another request may be calling the provider. The store takes a lease only if this is False."""
        return self.lease_owner != "" and self.lease_until >= now


class Recovery(Struct, frozen=True, kw_only=True):
    """A provider's refresh response, stored before it is used (the refresh journal); one item per connection.

    generation    of the tokens that were used; the response makes the next one; -1: the item is empty
    attempt       of the lease under which it was received
    line          of the sign-in that it continues
    received_at   when it was received: lifetimes count from here
    sealed        the response as received, encrypted under the user's key in this item's context
    """

    connection_id: str
    generation: int = -1
    attempt: int = 0
    line: int = 0
    epoch: int = 0
    received_at: int = 0
    sealed: bytes = b""
