"""What one user has allowed one client, over all sign-ins."""

from msgspec import Struct, structs

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Consent(Struct, frozen=True, kw_only=True):
    """A sign-in only adds to it; only the account page and a revocation remove permissions.

    redirect_hashes       SHA-256 hex of the redirect URIs that the user has seen, without a loopback port
    default_connections   provider id -> connection id
    decided_at            when the last decision was made that added to it; a later revocation voids all of it
    version               compared by every write; a revocation raises it too
    paused_at             since when the user has paused this client; 0: not paused
    ends_at               when the user's time limit ends; earlier decisions are void then. 0: no limit
    reduced_at            epoch seconds: a decision before this second adds no scope; 0: permissions were never
                          reduced
    vouched               the broker's own scopes that a trusted issuer's token opened; only standing grants use them,
                          and no page is skipped because of them
    vouched_at            when the newest standing grant began
    withheld              own scopes that the user removed from `vouched`; no later token opens them, only a page does
    """

    sub: str
    client_id: str
    scopes: frozenset[str] = frozenset()
    redirect_hashes: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    default_connections: dict[str, str] = {}
    client_revision: int = 0
    decided_at: int = 0
    version: int = 0
    epoch: int = 0
    marks: Revocation = NOT_REVOKED
    paused_at: int = 0
    ends_at: int = 0
    reduced_at: int = 0
    vouched: frozenset[str] = frozenset()
    vouched_at: int = 0
    withheld: frozenset[str] = frozenset()

    def void(self, decided_at: int, now: int) -> bool:
        """True if a decision of that second no longer counts: it was revoked, or its time limit has passed."""
        return self.marks.void(decided_at) or decided_at < self.ends_at <= now

    def was_reduced(self, now: int) -> bool:
        """True if access was ever removed: from then on only the user can add to this consent, on a page."""
        return self.reduced_at > 0 or self.marks.not_before is not None or 0 < self.ends_at <= now

    def admits(self, scopes: frozenset[str], *, decided_at: int, by_user: bool, now: int) -> frozenset[str]:
        """The scopes of a decision that this consent accepts. A reduction wins over every earlier decision.

        by_user   the user decided on a page; otherwise the operator (`first_party`) or the recorded consent decided
        """
        adds = decided_at >= self.reduced_at and (by_user or not self.was_reduced(now))
        return scopes if adds else scopes & self.scopes

    def limits_at(self, decided_at: int) -> "Consent":
        """An empty consent for a new decision, with the limits that stay. A time limit that has passed becomes a
        revocation."""
        before, is_past = self.marks.not_before, 0 < self.ends_at <= decided_at
        marks = structs.replace(self.marks, not_before=max(before or 0, self.ends_at)) if is_past else self.marks
        ends_at = 0 if is_past else self.ends_at
        return Consent(
            sub=self.sub,
            client_id=self.client_id,
            marks=marks,
            paused_at=self.paused_at,
            ends_at=ends_at,
            reduced_at=self.reduced_at,
            vouched=self.vouched,
            vouched_at=self.vouched_at,
            withheld=self.withheld,
        )

    def valid_scopes(self, now: int) -> frozenset[str]:
        """The scopes of both kinds that no revocation and no time limit has voided."""
        asked = frozenset[str]() if self.void(self.decided_at, now) else self.scopes
        opened = frozenset[str]() if self.void(self.vouched_at, now) else self.vouched - self.withheld
        return asked | opened
