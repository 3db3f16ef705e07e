"""Stored grants and the consents behind them. Each method is one conditional write."""

from typing import Protocol

from chalicelib.ports.grant_changes import Advance, DeviceDecision, DevicePoll, Redemption, Widening
from chalicelib.ports.outcomes import Refused, Written
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant


class GrantStore(Protocol):
    """Grants, from consent to revocation (RFC 6749 section 1.3)."""

    def claim_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Insert if absent: of any number of callbacks with one grant id, exactly one is Written."""

    def issue_grant(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued, with everything that the user allowed."""

    def redeem_code(self, redemption: Redemption) -> Written[Grant] | Refused[Grant]:
        """issued(0) -> active(1), with every binding in the condition."""

    def advance_grant(self, advance: Advance) -> Written[Grant] | Refused[Grant]:
        """active(n) -> active(n + 1), with every binding in the condition."""

    def widen_grant(self, widening: Widening) -> Written[Grant] | Refused[Grant]:
        """Add to an active grant of that user and client; removes and replaces nothing."""

    def revoke_grant(
        self, grant_id: str, *, client_id: str, secret_hash: bytes | None = None
    ) -> Written[Grant] | Refused[Grant]:
        """any -> revoked, if the grant is that client's; a tombstone stays until the absolute expiry.

        secret_hash   of the handle that the request presents; None if the broker itself revokes
        """

    def pause_grant(self, grant_id: str, *, sub: str, paused: bool) -> Written[Grant] | Refused[Grant]:
        """Pause the grant's refresh tokens or resume them, if the grant is that user's and has not ended."""

    def withhold_token(self, grant: Grant) -> Written[Grant] | Refused[Grant]:
        """Record that a pause kept the grant's present generation from its client."""

    def deliver_withheld(self, grant: Grant, *, key_version: int, now: int) -> Written[Grant] | Refused[Grant]:
        """Deliver a withheld token once; its grace period begins."""


class DeviceGrantStore(Protocol):
    """Grants of the device flow until they are issued (RFC 8628)."""

    def claim_device(self, decided: DeviceDecision, *, until: int) -> Written[Grant] | Refused[Grant]:
        """device_pending -> exchanging: of any number of browsers with one user code, exactly one is Written."""

    def reopen_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """exchanging -> device_pending, by the browser that claimed it: the user decides again about the provider's
        scopes."""

    def issue_device(self, grant: Grant, decided: DeviceDecision, *, claimed: bool) -> Written[Grant] | Refused[Grant]:
        """exchanging -> issued by the browser that claimed it, or device_pending -> issued if no claim was needed."""

    def deny_device(self, decided: DeviceDecision) -> Written[Grant] | Refused[Grant]:
        """device_pending -> device_denied."""

    def note_poll(self, poll: DevicePoll, *, early_by: int) -> Written[Grant] | Refused[Grant]:
        """Begin the next interval of a waiting device.

        early_by   seconds to add to the interval because this poll came too early; 0: it came in time, and is refused
                   if another poll came meanwhile
        """


class StandingGrantStore(Protocol):
    """Grants that a trusted issuer's token begins. They have no secret, so nothing redeems them."""

    def begin_standing_grant(self, grant: Grant, *, replacing: Grant | None = None) -> Written[Grant] | Refused[Grant]:
        """Insert if absent. A standing grant that no longer counts gives way to the next version of itself.

        replacing   that grant, if its version and time of decision are unchanged since it was read
        """

    def move_idle_end(self, grant: Grant, *, expires_at: int) -> Written[Grant] | Refused[Grant]:
        """Move the idle end of a standing grant that is active and still of this version."""


class ConsentStore(Protocol):
    """What a user has allowed a client."""

    def put_consent(self, consent: Consent, *, expected_version: int) -> Written[Consent] | Refused[Consent]:
        """Write the consent if its version is still the one that was read; 0 means absent."""
