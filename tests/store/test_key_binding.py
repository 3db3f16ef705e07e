"""Grants that are bound to a key: in the condition of the write that redeems or advances, and set by the same write."""

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import Refused, Written
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, Story, make_store

KEY, OTHER = "k" * 43, "o" * 43


@pytest.fixture
def story(transport: Transport) -> Story:
    """A claimed grant."""
    story = Story(make_store(transport))
    story.claim()
    return story


@requirement("DPOP-03", "CODE-02")
@pytest.mark.parametrize("binds", [False, True])
def test_a_code_for_a_key_is_redeemed_with_that_key_alone(story: Story, binds: bool) -> None:
    story.issue(dpop_jkt=KEY)
    for jkt in (None, OTHER, ""):
        assert isinstance(story.store.redeem_code(story.redemption(jkt=jkt)), Refused), jkt
    redeemed = story.store.redeem_code(story.redemption(jkt=KEY, binds=binds))
    assert isinstance(redeemed, Written)
    assert (redeemed.item.jkt, redeemed.item.bound_since) == ((KEY, 1) if binds else ("", None))


@requirement("DPOP-01")
def test_a_code_for_no_key_is_redeemed_with_any_or_none(transport: Transport) -> None:
    for jkt in (None, KEY):
        story = Story(make_store(transport))
        story.claim()
        story.issue()
        assert isinstance(story.store.redeem_code(story.redemption(jkt=jkt, binds=jkt is not None)), Written)


@requirement("DPOP-01", "REF-02")
def test_a_bound_refresh_token_advances_with_its_key_alone_and_stays_bound_since_then(story: Story) -> None:
    story.issue()
    story.store.redeem_code(story.redemption())
    first = story.store.advance_grant(story.advance(1, jkt=KEY, binds=True))
    assert isinstance(first, Written) and (first.item.jkt, first.item.bound_since) == (KEY, 2)
    for jkt in (None, OTHER):
        for binds in (False, jkt is not None):
            assert isinstance(story.store.advance_grant(story.advance(2, jkt=jkt, binds=binds)), Refused)
    second = story.store.advance_grant(story.advance(2, jkt=KEY, binds=True, now=NOW + 1))
    assert isinstance(second, Written) and (second.item.jkt, second.item.bound_since) == (KEY, 2)


@requirement("DPOP-01")
def test_a_refresh_token_of_a_client_with_a_secret_is_bound_to_no_key(story: Story) -> None:
    story.issue()
    story.store.redeem_code(story.redemption(jkt=KEY))
    for generation, jkt in ((1, KEY), (2, OTHER), (3, None)):
        advanced = story.store.advance_grant(story.advance(generation, jkt=jkt))
        assert isinstance(advanced, Written) and advanced.item.jkt == ""
