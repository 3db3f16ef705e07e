"""Changes of a grant, each with every value that the condition of its write compares."""

from msgspec import Struct


class Redemption(Struct, frozen=True, kw_only=True):
    """Redemption of an authorization code or device code, with every binding.

    code_challenge  None for a device code, which has none
    redirect_hash   None if the request has no redirect_uri (OAuth 2.1 section 4.1.3: PKCE binds)
    resource        requested audience other than the issuer; None otherwise
    jkt             thumbprint of the proof's key; None: there is no proof
    binds           bind the later refresh tokens to that key
    successor_*     what the grant stores afterwards
    """

    grant_id: str
    client_id: str
    secret_hash: bytes
    code_challenge: str | None
    redirect_hash: str | None
    resource: str | None
    successor_hash: bytes
    successor_salt: bytes
    key_version: int
    epoch: int
    now: int
    jkt: str | None = None
    binds: bool = False


class Advance(Struct, frozen=True, kw_only=True):
    """Use of a refresh token, with every binding.

    scopes   requested scopes, all of which must be in the grant; empty: all of the grant's
    resource, registered   as in RefreshRequest
    jkt      thumbprint of the proof's key; None: there is no proof
    binds    bind the later refresh tokens to that key, unless they are bound
    rotates  a successor replaces the token; otherwise the token stays valid
    """

    grant_id: str
    client_id: str
    generation: int
    secret_hash: bytes
    scopes: frozenset[str]
    resource: str | None
    key_version: int
    epoch: int
    now: int
    registered: frozenset[str] | None = None
    jkt: str | None = None
    binds: bool = False
    rotates: bool = True


class Widening(Struct, frozen=True, kw_only=True):
    """What a connect adds to the one grant that requested it, with every binding.

    scopes          with the provider's prefix; may be empty
    connection_id   of this provider, if the grant has no connection there yet
    version         of a standing grant when the connect was requested; 0 for every other grant
    """

    grant_id: str
    sub: str
    client_id: str
    scopes: frozenset[str]
    provider_id: str
    connection_id: str
    epoch: int
    now: int
    version: int = 0


class DeviceDecision(Struct, frozen=True, kw_only=True):
    """What one browser decided about a device's request, with every binding.

    round      of the request that the browser showed
    decision   SHA-256 of the secret in that browser, 32 bytes
    """

    grant_id: str
    client_id: str
    round: int
    decision: bytes
    decided_at: int
    now: int


class DevicePoll(Struct, frozen=True, kw_only=True):
    """A device's question whether its user has decided, with every binding."""

    grant_id: str
    client_id: str
    secret_hash: bytes
    epoch: int
    now: int
