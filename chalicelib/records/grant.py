"""What one subject allowed one client, from the decision to its revocation: one item through its whole life."""

from typing import Literal

from msgspec import Struct

GrantStatus = Literal["device_pending", "device_denied", "exchanging", "issued", "active", "revoked"]


class DeviceRequest(Struct, frozen=True, kw_only=True):
    """What a grant keeps for a device that waits for it (RFC 8628). The user code is not in it: the grant's id is
    derived from it.

    round             rises whenever it is open to a decision again; what was shown or decided before is void then
    ends_at           the end of the user code; a claim and an approved code have shorter ends of their own
    asked_at          when, and asked_from whence the device asked, for the page; the address goes at the issue
    client_revision   as the request was checked
    poll_interval     seconds between two polls, 5 more after each that came too early
    poll_after        before this time a poll comes too early
    decision          SHA-256 of what the browser that went on holds, 32 bytes; empty before
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
    """A grant of RFC 6749 section 1.3. URIs stand as SHA-256 hex, so that the rotating item stays under 1 KB.

    grant_id               32 hex characters, fixed when the user decides
    generation             0 while the authorization code is outstanding, then one per refresh
    secret_hash            SHA-256 of the present handle secret, 32 bytes
    salt                   16 bytes set at redeeming; later secrets are HKDF(code secret, salt)
    key_version            handle key version of the present generation
    decided_at             compared with every mark
    advanced_at            when the present generation became current; previous_advanced_at: the one before
    expires_at             code end while issued; afterwards the idle end, which moves
    ends_at                the absolute end, which does not
    purge_at               when the table may forget the item
    written_by             request nonce of the last write: a lost answer is recognised as ours
    resources              audiences asked at /authorize; empty: our issuer
    id_token_claims        claims of the profile for the ID token that comes with the code
    connections            provider id -> connection id
    shown_sub              the user as a pairwise client knows it; "": as `sub` says
    sid                    of the browser session in which it began; "": of one before sessions had names
    dpop_jkt               the key that the app named at the start: its code is good with a proof by that one alone
    jkt                    the key to which the refresh tokens of generation `bound_since` and later are bound
    session_salt_hash      of an app's browser session: SHA-256 of the user's salt at its beginning; another one ends it
    paused                 no refresh token of it is taken for a while
    withheld               the generation that a pause kept from its client; counts only while it is the present one
    binding                MAC over whose it is and how it came to be, made at the issue (protocol/grant_binding.py)
    device                 of a grant that a device asked for: generation 0 is its device code, drawn at the start
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

    def is_over(self, now: int) -> bool:
        """True when revoked or past either end."""
        return self.status == "revoked" or self.expires_at <= now or (self.status == "active" and self.ends_at <= now)
