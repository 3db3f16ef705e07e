"""A token that lets who holds it register clients (RFC 7591 section 3)."""

from msgspec import Struct

from chalicelib.records.client import RegistrationPolicy


class InitialToken(Struct, frozen=True, kw_only=True):
    """As it is kept; the token itself is shown once, when it is made.

    token_hash   SHA-256 of the token, 64 hex characters
    uses         how many clients it makes; 0: any number until its end
    used         how many it has made
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
        """True when it makes no client any more."""
        return self.epoch != epoch or self.expires_at <= now or 0 < self.uses <= self.used
