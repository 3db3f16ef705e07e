"""Revocations that void earlier decisions."""

from msgspec import Struct


class Revocation(Struct, frozen=True, kw_only=True):
    """The revocation state of a client, provider, user, consent or the whole deployment.

    disabled     nothing works while it is set
    not_before   epoch seconds: earlier decisions are void. For a user or consent, the writer adds one second, to
                 include decisions of the same second; for a client, provider or deployment ten, because records are
                 cached
    """

    disabled: bool = False
    not_before: int | None = None

    def void(self, decided_at: int) -> bool:
        """True if a decision of that second no longer counts."""
        return self.disabled or (self.not_before is not None and decided_at < self.not_before)


NOT_REVOKED = Revocation()
