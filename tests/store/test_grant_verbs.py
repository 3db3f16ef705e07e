"""Every binding stands in the condition of the one write, so nothing wrong changes anything."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import Refused, Written
from chalicelib.protocol.handles import secret_hash
from tests.kit.requirement import requirement
from tests.kit.store_scene import API, NOW, Story, make_store

OTHER = secret_hash(b"another secret!!")


@pytest.fixture
def story(transport: Transport) -> Story:
    """A grant that does not exist yet."""
    return Story(make_store(transport))


@pytest.fixture
def issued(story: Story) -> Story:
    """A grant whose code waits."""
    story.claim()
    story.issue(nonce="n")
    return story


@pytest.fixture
def active(issued: Story) -> Story:
    """A grant whose refresh token 1 waits."""
    issued.store.redeem_code(issued.redemption())
    return issued


@requirement("CODE-01", "CODE-02", "F04")
@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"secret_hash": OTHER},
        {"code_challenge": "x" * 43},
        {"redirect_hash": "0" * 64},
        {"resource": "https://other.example"},
        {"epoch": 1},
        {"now": NOW + 60},
        {"grant_id": "0" * 32},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_binding_leaves_the_code_redeemable(issued: Story, wrong: dict[str, object]) -> None:
    before = issued.found()
    assert isinstance(issued.store.redeem_code(issued.redemption(**wrong)), Refused)
    assert issued.found() == before
    assert isinstance(issued.store.redeem_code(issued.redemption(resource=API, now=NOW + 59)), Written)


@requirement("CODE-03")
def test_a_code_is_consumed_by_the_write_that_makes_its_successor(issued: Story) -> None:
    assert isinstance(issued.store.redeem_code(issued.redemption()), Written)
    again = issued.store.redeem_code(issued.redemption())
    assert isinstance(again, Refused)
    assert again.found is not None
    assert (again.found.status, again.found.generation) == ("active", 1)
    assert again.found.secret_hash == secret_hash(issued.refresh_secret)


@requirement("CODE-01")
@pytest.mark.parametrize("status", ["exchanging", "revoked"])
def test_only_an_issued_grant_redeems(story: Story, status: str) -> None:
    story.claim()
    if status == "revoked":
        story.issue()
        story.store.revoke_grant(story.grant_id, client_id=story.client_id)
    assert isinstance(story.store.redeem_code(story.redemption()), Refused)
    assert (story.found() or pytest.fail("gone")).status == status


@requirement("F01", "CODE-03")
def test_of_many_parallel_redemptions_one_is_written(transport: Transport) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            story = Story(make_store(transport))
            story.claim()
            story.issue()
            results = list(threads.map(lambda _, s=story: s.store.redeem_code(s.redemption()), range(8)))
            assert sum(isinstance(result, Written) for result in results) == 1


@requirement("REF-01", "REF-07")
@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"secret_hash": OTHER},
        {"scopes": frozenset({"openid", "admin"})},
        {"scopes": frozenset({"open"})},
        {"resource": "https://other.example"},
        {"registered": frozenset()},
        {"registered": frozenset({f"{API}/"})},
        {"epoch": 1},
        {"generation": 0},
        {"generation": 2},
        {"grant_id": "0" * 32},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_binding_leaves_the_refresh_token_good(active: Story, wrong: dict[str, object]) -> None:
    before = active.found()
    assert isinstance(active.store.advance_grant(active.advance(**{"generation": 1, **wrong})), Refused)
    assert active.found() == before
    registered = frozenset({API, *(f"https://{number}.example" for number in range(150))})
    right = active.advance(1, scopes=frozenset({"openid"}), resource=API, registered=registered)
    assert isinstance(active.store.advance_grant(right), Written)


@requirement("REF-01")
def test_a_narrower_refresh_leaves_the_grant_as_wide_as_it_was(active: Story) -> None:
    active.store.advance_grant(active.advance(1, scopes=frozenset({"openid"})))
    assert (active.found() or pytest.fail("gone")).scopes == active.record("issued").scopes


@requirement("REF-06")
def test_the_idle_end_moves_and_the_absolute_end_does_not(active: Story) -> None:
    later = NOW + 13 * 86400
    result = active.store.advance_grant(active.advance(1, now=later))
    assert isinstance(result, Written)
    assert result.item.expires_at == later + 14 * 86400
    assert result.item.ends_at == NOW + 30 * 86400
    assert isinstance(active.store.advance_grant(active.advance(2, now=later + 14 * 86400)), Refused)


@requirement("REF-02", "FAPI-05")
def test_without_rotation_the_idle_end_moves_and_nothing_else_does(active: Story) -> None:
    before = active.found() or pytest.fail("gone")
    for later in (NOW + 10, NOW + 20):
        assert isinstance(active.store.advance_grant(active.advance(1, now=later, rotates=False)), Written)
    after = active.found() or pytest.fail("gone")
    assert (after.generation, after.advanced_at) == (1, before.advanced_at)
    assert after.previous_advanced_at == before.previous_advanced_at
    assert after.expires_at == NOW + 20 + 14 * 86400 and after.ends_at == before.ends_at
    assert isinstance(active.store.advance_grant(active.advance(2, rotates=False)), Refused)
    rotated = active.store.advance_grant(active.advance(1))
    assert isinstance(rotated, Written) and rotated.item.generation == 2, "and it may rotate again"


@requirement("REF-06", "GEN-14")
def test_past_the_absolute_end_nothing_advances_although_the_item_is_still_there(story: Story) -> None:
    story.claim()
    story.issue(idle_seconds=90 * 86400)
    story.store.redeem_code(story.redemption())
    assert isinstance(story.store.advance_grant(story.advance(1, now=NOW + 30 * 86400)), Refused)
    assert isinstance(story.store.advance_grant(story.advance(1, now=NOW + 30 * 86400 - 1)), Written)


@requirement("REF-05")
def test_a_revoked_grant_never_advances(active: Story) -> None:
    active.store.revoke_grant(active.grant_id, client_id=active.client_id)
    assert isinstance(active.store.advance_grant(active.advance(1)), Refused)


@requirement("REF-05")
def test_each_advance_notes_when_its_two_predecessors_passed(active: Story) -> None:
    active.store.advance_grant(active.advance(1, now=NOW + 10))
    active.store.advance_grant(active.advance(2, now=NOW + 25))
    grant = active.found() or pytest.fail("gone")
    assert (grant.generation, grant.advanced_at, grant.previous_advanced_at) == (3, NOW + 25, NOW + 10)


def test_the_nonce_stays_until_the_first_refresh(active: Story) -> None:
    assert (active.found() or pytest.fail("gone")).nonce == "n"
    active.store.advance_grant(active.advance(1))
    assert (active.found() or pytest.fail("gone")).nonce is None


@requirement("CB-01")
@pytest.mark.parametrize("later", [0, 60, 3600])
def test_a_claim_is_never_taken_over_not_even_when_it_has_expired(story: Story, later: int) -> None:
    assert isinstance(story.claim(), Written)
    second = story.claim(now=NOW + later)
    assert isinstance(second, Refused)
    assert second.found is not None
    assert second.found.status == "exchanging"


@requirement("CB-01")
def test_a_grant_is_issued_once_and_only_after_its_claim(story: Story) -> None:
    assert isinstance(story.issue(), Refused)
    story.claim()
    assert isinstance(story.issue(decided_at=NOW - 1), Refused)
    assert isinstance(story.issue(), Written)
    assert isinstance(story.issue(), Refused)


@requirement("CB-01")
def test_a_revoked_claim_is_not_issued(story: Story) -> None:
    story.claim()
    story.store.revoke_grant(story.grant_id, client_id=story.client_id)
    assert isinstance(story.issue(), Refused)


@requirement("REV-01")
def test_another_client_cannot_end_a_grant(active: Story) -> None:
    assert isinstance(active.store.revoke_grant(active.grant_id, client_id="another"), Refused)
    assert (active.found() or pytest.fail("gone")).status == "active"


@requirement("REF-08")
def test_the_item_of_an_ended_grant_stays_until_its_absolute_end_has_passed(active: Story) -> None:
    active.store.revoke_grant(active.grant_id, client_id=active.client_id)
    grant = active.found() or pytest.fail("gone")
    assert grant.status == "revoked"
    assert grant.purge_at > grant.ends_at
