"""What one user allowed one client, from the decision to its revocation: one item through its whole life."""

from typing import Literal

from msgspec import Struct

GrantStatus = Literal["device_pending", "device_denied", "exchanging", "issued", "active", "revoked"]


class DeviceRequest(Struct, frozen=True, kw_only=True):
    """The part of a grant that belongs to a waiting device (RFC 8628).

    It does not contain the user code: the grant id is derived from it.

    round             raised whenever the request is open to a decision again; earlier pages and decisions are void
                      then
    ends_at           the end of the user code; a claim and an approved code end earlier
    asked_at          when the device made its request, for the page
    asked_from        the device's address, for the page; deleted when the grant is issued
    client_revision   at the time of the request
    poll_interval     seconds between two polls; each early poll adds 5
    poll_after        a poll before this time is too early
    decision          SHA-256 of the secret of the browser that claimed the request, 32 bytes; empty before
    """

    round: int
    ends_at: int
    asked_at: int
    client_revision: int
    poll_interval: int
    poll_after: int = 0
    asked_from: str = ""
    decision: bytes = b""


class Grant(Struct, frozen=True, kw_only=True):
    """A grant of RFC 6749 section 1.3. URIs are stored as SHA-256 hex, so that the rotating item stays under 1 KB.

    grant_id               32 hex characters, fixed when the user decides
    generation             0 while the authorization code is outstanding, then one per refresh
    secret_hash            SHA-256 of the present handle secret, 32 bytes
    salt                   16 bytes set at redemption; later secrets are HKDF(code secret, salt)
    key_version            handle key version of the present generation
    decided_at             compared with every revocation
    advanced_at            when the present generation became current
    previous_advanced_at   when the generation before it became current
    expires_at             end of the code while issued; afterwards the idle end, which moves with each use
    ends_at                the absolute end, which does not move
    purge_at               when the table may delete the item
    written_by             request nonce of the last write: after a lost response, the writer recognizes its own write
    resources              audiences requested at /authorize; empty: the broker's issuer
    id_token_claims        profile claims for the ID token that comes with the code
    connections            provider id -> connection id
    shown_sub              the pairwise `sub` that the client sees; "": as `sub`
    sid                    of the browser session in which it began; "": of one from before sessions had ids
    dpop_jkt               thumbprint named in the authorization request: the code needs a proof by that key
    jkt                    the key to which the refresh tokens of generation `bound_since` and later are bound
    session_salt_hash      of an app's browser session: SHA-256 of the user's salt at its start; a new salt ends it
    paused                 its refresh tokens are refused for a while
    withheld               generation that a pause withheld from the client; counts only while it is the present one
    binding                MAC over its owner and origin, made at issue (protocol/grant_binding.py)
    device                 of a device's grant: generation 0 is its device code
    origin                 of a standing grant: the id of the trusted issuer's record; "": the user signed in here
    path                   of a standing grant: the kind of token that began it; a rule for that kind must exist
    version                of a standing grant: raised when it begins again; tokens of an older version are void
    """

    grant_id: str
    status: GrantStatus
    client_id: str
    decided_at: int
    expires_at: int
    purge_at: int
    written_by: str
    sub: str = ""
    provider_id: str = ""
    generation: int = 0
    secret_hash: bytes = b""
    salt: bytes = b""
    key_version: int = 0
    redirect_hash: str = ""
    code_challenge: str = ""
    nonce: str | None = None
    id_token_claims: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()
    connections: dict[str, str] = {}
    auth_time: int | None = None
    acr: str = ""
    shown_sub: str = ""
    sid: str = ""
    advanced_at: int = 0
    previous_advanced_at: int = 0
    ends_at: int = 0
    grace_seconds: int = 30
    idle_seconds: int = 0
    epoch: int = 0
    dpop_jkt: str = ""
    jkt: str = ""
    bound_since: int | None = None
    session_salt_hash: bytes = b""
    paused: bool = False
    withheld: int = 0
    binding: bytes = b""
    device: DeviceRequest | None = None
    origin: str = ""
    path: str = ""
    version: int = 0

    def is_over(self, now: int) -> bool:
        """True if the grant was revoked, or its idle end or absolute end has passed."""
        return self.status == "revoked" or self.expires_at <= now or (self.status == "active" and self.ends_at <= now)
