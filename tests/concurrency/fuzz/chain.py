"""What must become of a grant, whoever asks what in whatever order: a few rules of arithmetic, apart from the product.

A code is good once, within its minute. Of the refresh tokens one is good; its predecessor gives the same successor
again while the grace of its passing runs, the one before that is refused as long as its own grace runs, and anything
older that is shown ends the grant (RFC 9700 section 4.14.2).
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.records.grant import Grant

CODE_SECONDS, GRACE_SECONDS, ACCESS_SECONDS = 60, 30, 600
IDLE_SECONDS, END_SECONDS = 14 * 86400, 30 * 86400
# "tokens": new ones or the same again; "refused": no tokens; "done": an end that was asked for.
Word = Literal["tokens", "refused", "done"]


class Chain(Struct, frozen=True, kw_only=True):
    """One grant. All times are epoch seconds.

    generation    0 while the code waits, then that of the refresh token that is good
    passed_at     when the generation before it was passed, then the one before that
    expires_at    of the code, then the idle end
    is_over       ended, for good
    is_void       withdrawn by its user: it ends at its next use, which redeeming its code is not
    """

    expires_at: int
    ends_at: int
    generation: int = 0
    passed_at: tuple[int, int] = (0, 0)
    is_over: bool = False
    is_void: bool = False

    def is_dead(self, now: int) -> bool:
        """True where nothing of it is good any more."""
        return self.is_over or self.expires_at <= now or (self.generation > 0 and self.ends_at <= now)

    def redeem(self, now: int) -> tuple[Word, "Chain"]:
        """Its code, or device code, with everything right."""
        if self.is_dead(now):
            return "refused", self
        if self.generation == 0:
            return "tokens", replace(self, generation=1, passed_at=(now, now), expires_at=now + IDLE_SECONDS)
        return "refused", replace(self, is_over=True)

    def refresh(self, shown: int, now: int) -> tuple[Word, "Chain"]:
        """A refresh token of that generation, by its client."""
        if self.is_dead(now):
            return "refused", self
        passed, earlier = self.passed_at
        behind = self.generation - shown
        if behind == 2 and now - earlier < GRACE_SECONDS:
            return "refused", self
        repeats = behind == 1 and now - passed < GRACE_SECONDS
        if self.is_void or not (behind == 0 or repeats):
            return "refused", replace(self, is_over=True)
        if repeats:
            return "tokens", self
        return "tokens", replace(self, generation=shown + 1, passed_at=(now, passed), expires_at=now + IDLE_SECONDS)

    def end(self) -> tuple[Word, "Chain"]:
        """Its client takes it back."""
        return "done", replace(self, is_over=True)

    def use(self, now: int) -> tuple[Word, "Chain"]:
        """An access token of it that is not over by itself."""
        return ("refused" if self.is_dead(now) or self.is_void else "tokens"), self

    def as_kept(self) -> "Chain":
        """What the table can be asked about: an ended grant is an ended grant, and a withdrawal stands elsewhere."""
        return Chain(expires_at=0, ends_at=0, is_over=True) if self.is_over else replace(self, is_void=False)


def begin(now: int) -> Chain:
    """A grant whose code has just been given out."""
    return Chain(expires_at=now + CODE_SECONDS, ends_at=now + END_SECONDS)


def read_chain(grant: Grant) -> Chain:
    """The same of what stands in the table."""
    found = Chain(
        generation=grant.generation,
        passed_at=(grant.advanced_at, grant.previous_advanced_at),
        expires_at=grant.expires_at,
        ends_at=grant.ends_at,
        is_over=grant.status == "revoked",
    )
    return found.as_kept()


UNKNOWN = Chain(expires_at=0, ends_at=0)
"""Of a grant that has not been looked at yet."""
