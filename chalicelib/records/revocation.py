"""Marks that end what was decided before them."""

from msgspec import Struct


class Revocation(Struct, frozen=True, kw_only=True):
    """The switch on a client, provider, subject, consent or the whole deployment.

    disabled     nothing goes on while it is set
    not_before   epoch seconds: decisions before it are void. Whoever sets it on a subject or a consent adds one second
                 (a decision of its own second is caught), on a client, provider or deployment ten (records are cached)
    """

    disabled: bool = False
    not_before: int | None = None

    def void(self, decided_at: int) -> bool:
        """True where a decision of that second no longer counts."""
        return self.disabled or (self.not_before is not None and decided_at < self.not_before)


NOT_REVOKED = Revocation()
