"""An access token that is itself presented for the next: only while it lives, and a lost answer ends nothing."""

import pytest
from msgspec.structs import replace

from chalicelib.providers.definition import RefreshRules, RevocationRules
from chalicelib.upstream.revocation import renewing_kind
from chalicelib.vault.rules.connection_merge import carry_over, is_usable
from chalicelib.vault.rules.refresh_decision import Decision, Lease, Refuse, Serve, decide_refresh
from chalicelib.vault.rules.renewed_connection import keeps_lost
from tests.kit.requirement import requirement
from tests.unit.vault.refresh_cases import DEMO, DUE, NOW

DAY = 86400
SWAP = RefreshRules(kind="swap", grant_type="swap", token_parameter="access_token", in_doubt="again")
SWAPPING = replace(DEMO, refresh=SWAP, revocation=RevocationRules(kind="rfc7009", ends="token"))
HELD = replace(DUE, tokens_at=NOW - 29 * DAY, access_expires_at=NOW + 31 * DAY)


def decide(rules: RefreshRules = SWAP, **fields: object) -> Decision:
    return decide_refresh(replace(HELD, **fields), None, replace(DEMO, refresh=rules), epoch=0, now=NOW)


@requirement("VLT-07")
def test_it_is_swapped_in_the_second_half_of_its_life() -> None:
    assert decide() == Serve()
    half = {"tokens_at": NOW - 30 * DAY, "access_expires_at": NOW + 30 * DAY}
    assert decide(**half) == Lease(doubt="", lives=True)
    assert decide(replace(SWAP, kind="static"), **half) == Serve()


@requirement("VLT-08")
def test_what_has_ended_is_not_presented() -> None:
    assert decide(access_expires_at=NOW - 1) == Refuse(reason="reauth_required")
    over = replace(HELD, access_expires_at=NOW - 1)
    assert not is_usable(over, SWAPPING, NOW) and is_usable(over, DEMO, NOW)


@requirement("VLT-08")
@pytest.mark.parametrize("waiting", [True, False])
def test_in_doubt_the_old_one_serves_meanwhile(waiting: bool) -> None:
    lost = {"status": "in_doubt", "access_expires_at": NOW + DAY, "doubt_since": NOW - 9}
    decision = decide(**lost, retry_at=NOW + 60 if waiting else 0)
    assert decision == (Serve() if waiting else Lease(doubt="again", lives=True))


@requirement("VLT-08")
def test_after_a_restore_it_is_asked_for_before_it_serves() -> None:
    assert decide_refresh(HELD, None, SWAPPING, epoch=1, now=NOW) == Lease(doubt="again", lives=False)


@requirement("F16")
def test_an_answer_that_was_lost_lives_on_and_stays_known() -> None:
    assert keeps_lost(HELD, SWAPPING)
    assert carry_over(replace(HELD, lost=1), SWAPPING, keeps_refresh_token=False)["lost"] == 2


def test_what_is_presented_is_revoked_as_an_access_token() -> None:
    assert (renewing_kind(SWAPPING), renewing_kind(DEMO)) == ("access_token", "refresh_token")
