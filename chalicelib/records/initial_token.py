"""An initial access token: its holder may register clients (RFC 7591 section 3)."""

from msgspec import Struct

from chalicelib.records.client import RegistrationPolicy


class InitialToken(Struct, frozen=True, kw_only=True):
    """The stored form. The token itself is shown once, when it is created.

    token_hash   SHA-256 of the token, 64 hex characters
    uses         how many clients it may register; 0: any number until it expires
    used         how many it has registered
    note         the operator's own words
    """

    token_hash: str
    policy: RegistrationPolicy
    expires_at: int
    uses: int
    used: int = 0
    created_at: int = 0
    epoch: int = 0
    note: str = ""

    def is_over(self, now: int, *, epoch: int) -> bool:
        """True if it can register no further client."""
        return self.epoch != epoch or self.expires_at <= now or 0 < self.uses <= self.used
