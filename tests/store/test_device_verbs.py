"""The verbs of a grant that a device waits for: who may, when, and what each leaves behind."""

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import Refused, Written
from chalicelib.records.grant import DeviceRequest, Grant
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, Story, make_store


@pytest.fixture
def story(transport: Transport) -> Story:
    """A device has asked, and waits."""
    story = Story(make_store(transport))
    assert isinstance(story.start_device(), Written)
    return story


def stands(story: Story) -> tuple[Grant, DeviceRequest]:
    """The item, and what it keeps for the device."""
    grant = story.found()
    assert grant is not None and grant.device is not None
    return grant, grant.device


def approve(story: Story) -> None:
    assert isinstance(story.store.claim_device(story.decided(), until=NOW + 69), Written)
    issued = story.record("issued", expires_at=NOW + 70, decided_at=NOW + 9)
    assert isinstance(story.store.issue_device(issued, story.decided(), claimed=True), Written)


WRONG = [{"round": 2}, {"client_id": "d" * 32}, {"now": NOW + 600}]


@requirement("DEV-04", "DEV-05")
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_decision_of_another_round_or_client_or_too_late_changes_nothing(
    story: Story, wrong: dict[str, object]
) -> None:
    before, decided = story.found(), story.decided(**wrong)
    assert isinstance(story.store.claim_device(decided, until=NOW + 69), Refused)
    assert isinstance(story.store.deny_device(decided), Refused)
    assert isinstance(story.store.issue_device(story.record("issued"), decided, claimed=False), Refused)
    assert story.found() == before


@requirement("DEV-04")
def test_of_two_browsers_one_goes_on_and_the_other_neither_issues_nor_denies(story: Story) -> None:
    other = story.decided(decision=b"e" * 32)
    assert isinstance(story.store.claim_device(story.decided(), until=NOW + 69), Written)
    before = story.found()
    for claimed in (True, False):
        assert isinstance(story.store.issue_device(story.record("issued"), other, claimed=claimed), Refused)
    assert isinstance(story.store.claim_device(other, until=NOW + 69), Refused)
    assert isinstance(story.store.reopen_device(other), Refused)
    assert isinstance(story.store.deny_device(other), Refused)
    assert story.found() == before


@requirement("DEV-04", "DEV-05")
@pytest.mark.parametrize("wrong", [{"round": 2}, {"client_id": "d" * 32}, {"decision": b"e" * 32}], ids=str)
def test_who_claimed_goes_on_with_that_very_decision(story: Story, wrong: dict[str, object]) -> None:
    assert isinstance(story.store.claim_device(story.decided(), until=NOW + 69), Written)
    before, decided = story.found(), story.decided(**wrong)
    assert isinstance(story.store.issue_device(story.record("issued"), decided, claimed=True), Refused)
    assert isinstance(story.store.reopen_device(decided), Refused)
    assert story.found() == before


@requirement("DEV-01", "DEV-04")
def test_an_approval_leaves_the_secret_of_the_device_and_forgets_whence_it_asked(story: Story) -> None:
    approve(story)
    grant, device = stands(story)
    assert (grant.status, grant.sub, grant.decided_at, grant.expires_at) == ("issued", "s" * 32, NOW + 9, NOW + 70)
    assert (grant.secret_hash, grant.code_challenge, device.asked_from) == (story.record("x").secret_hash, "", "")


@requirement("DEV-04")
def test_an_approval_of_nothing_optional_leaves_no_scope_of_the_request(story: Story) -> None:
    issued = story.record("issued", scopes=frozenset(), auth_time=7)
    assert isinstance(story.store.issue_device(issued, story.decided(), claimed=False), Written)
    grant, _ = stands(story)
    assert (grant.scopes, grant.auth_time) == (frozenset(), 7)


@requirement("DEV-04", "DEV-05")
def test_what_is_open_again_is_open_to_who_sees_it_now_until_its_first_end(story: Story) -> None:
    assert isinstance(story.store.claim_device(story.decided(), until=NOW + 69), Written)
    assert isinstance(story.store.reopen_device(story.decided()), Written)
    grant, device = stands(story)
    assert (grant.status, grant.expires_at, device.round) == ("device_pending", NOW + 600, 2)
    assert isinstance(story.store.claim_device(story.decided(), until=NOW + 69), Refused)
    assert isinstance(story.store.claim_device(story.decided(round=2), until=NOW + 69), Written)


@requirement("DEV-07")
@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "d" * 32}, {"secret_hash": b"x" * 32}, {"epoch": 1}, {"now": NOW + 70}, {"resource": "https://x"}],
    ids=str,
)
def test_a_redemption_with_anything_wrong_changes_nothing(story: Story, wrong: dict[str, object]) -> None:
    approve(story)
    before = story.found()
    assert isinstance(story.store.redeem_code(story.device_redemption(**wrong)), Refused)
    assert story.found() == before
    assert isinstance(story.store.redeem_code(story.device_redemption()), Written)
    assert isinstance(story.store.redeem_code(story.device_redemption()), Refused)


@requirement("DEV-07", "CODE-01")
def test_a_code_of_the_browser_is_not_redeemed_without_a_verifier(transport: Transport) -> None:
    story = Story(make_store(transport))
    assert isinstance(story.claim(), Written) and isinstance(story.issue(), Written)
    assert isinstance(story.store.redeem_code(story.device_redemption()), Refused)
    without = Story(make_store(transport))
    assert isinstance(without.claim(), Written) and isinstance(without.issue(code_challenge=""), Written)
    assert isinstance(without.store.redeem_code(without.device_redemption()), Refused)


@requirement("DEV-03")
def test_polls_in_time_keep_the_interval_and_early_ones_lengthen_it(story: Story) -> None:
    assert isinstance(story.store.note_poll(story.poll(), early_by=0), Written)
    assert isinstance(story.store.note_poll(story.poll(now=NOW + 4), early_by=0), Refused)
    assert isinstance(story.store.note_poll(story.poll(now=NOW + 4), early_by=5), Written)
    _, device = stands(story)
    assert (device.poll_interval, device.poll_after) == (10, NOW + 14)
    assert isinstance(story.store.note_poll(story.poll(now=NOW + 13), early_by=0), Refused)
    assert isinstance(story.store.note_poll(story.poll(now=NOW + 14), early_by=0), Written)


@requirement("DEV-03", "DEV-05")
@pytest.mark.parametrize("wrong", [{"client_id": "d" * 32}, {"secret_hash": b"x" * 32}, {"epoch": 1}], ids=str)
def test_a_stranger_cannot_make_a_device_wait_longer(story: Story, wrong: dict[str, object]) -> None:
    before = story.found()
    for early_by in (0, 5):
        assert isinstance(story.store.note_poll(story.poll(**wrong), early_by=early_by), Refused)
    assert story.found() == before


@requirement("DEV-03", "DEV-07")
def test_after_the_decision_no_poll_is_noted(story: Story) -> None:
    approve(story)
    assert isinstance(story.store.note_poll(story.poll(), early_by=5), Refused)
    denied = Story(story.store)
    assert isinstance(denied.start_device(), Written) and isinstance(
        denied.store.deny_device(denied.decided()), Written
    )
    assert isinstance(denied.store.note_poll(denied.poll(), early_by=0), Refused)
    assert replace(stands(denied)[1], asked_from="") == stands(denied)[1]
