"""What one subject has allowed one client, over all sign-ins."""

from msgspec import Struct, structs

from chalicelib.records.revocation import NOT_REVOKED, Revocation


class Consent(Struct, frozen=True, kw_only=True):
    """A sign-in only adds to it; only the account page and revocation narrow it.

    redirect_hashes       SHA-256 hex of the redirect URIs that the user has seen, without a loopback port
    default_connections   provider id -> connection id
    decided_at            when the last decision was made that added to it; a mark after that voids all of it
    version               compared by every write; setting a mark raises it too
    paused_at             since when the user lets this app do nothing for a while; 0: it may
    ends_at               until when the user lets it; what was decided before that is void then. 0: nothing was said
    reduced_at            epoch seconds: a decision before this second adds no scope; 0: permissions were never reduced
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

    def void(self, decided_at: int, now: int) -> bool:
        """True where a decision of that second no longer counts: a mark has ended it, or its time is up."""
        return self.marks.void(decided_at) or decided_at < self.ends_at <= now

    def was_reduced(self, now: int) -> bool:
        """True where access was ever removed: from then on only the user adds to this consent, on a page."""
        return self.reduced_at > 0 or self.marks.not_before is not None or 0 < self.ends_at <= now

    def admits(self, scopes: frozenset[str], *, decided_at: int, by_user: bool, now: int) -> frozenset[str]:
        """What this consent takes of a decision's scopes: a reduction wins over every decision that was made before it.

        by_user   the user decided on a page; otherwise the operator (`first_party`) or the recorded consent decided
        """
        adds = decided_at >= self.reduced_at and (by_user or not self.was_reduced(now))
        return scopes if adds else scopes & self.scopes

    def limits_at(self, decided_at: int) -> "Consent":
        """What of it outlives a decision of that second, which begins anew: an end that is past stays as a mark."""
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
        )
