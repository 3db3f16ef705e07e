"""What a connect adds to a grant: one update of that very grant, in which nothing is taken away or replaced (CB-03)."""

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.ports import Refused, Widening, Written
from tests.kit.requirement import requirement
from tests.kit.store_scene import CLIENT, NOW, Story, make_store

IDLE = 14 * 86400


@pytest.fixture
def active(transport: Transport) -> Story:
    """A grant whose refresh token 1 waits."""
    story = Story(make_store(transport))
    story.claim()
    story.issue(connections={"demo": "d" * 32})
    story.store.redeem_code(story.redemption())
    return story


def widening(story: Story, **more: object) -> Widening:
    """What a connect of the same user and client adds."""
    added = Widening(
        grant_id=story.grant_id,
        sub="s" * 32,
        client_id=CLIENT,
        scopes=frozenset({"second:notes:read"}),
        provider_id="second",
        connection_id="e" * 32,
        epoch=0,
        now=NOW,
    )
    return replace(added, **more)


@requirement("CB-03")
def test_sets_only_grow_and_nothing_else_changes(active: Story) -> None:
    before = active.found()
    assert before is not None
    assert isinstance(active.store.widen_grant(widening(active)), Written)
    after = active.found()
    assert after is not None
    assert after.scopes == before.scopes | {"second:notes:read"}
    assert after.connections == {"demo": "d" * 32, "second": "e" * 32}
    same = {"scopes": before.scopes, "connections": before.connections, "written_by": before.written_by}
    assert replace(after, **same) == before


@requirement("CB-03")
def test_a_connection_that_stands_stays_and_no_scopes_are_none(active: Story) -> None:
    assert isinstance(active.store.widen_grant(widening(active, provider_id="demo", scopes=frozenset())), Written)
    after = active.found()
    assert after is not None and after.connections == {"demo": "d" * 32}


@requirement("CB-03")
@pytest.mark.parametrize(
    "wrong",
    [
        {"grant_id": "0" * 32},
        {"sub": "t" * 32},
        {"client_id": "another"},
        {"epoch": 1},
        {"now": NOW + IDLE},
        {"now": NOW + 30 * 86400},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_another_grant_user_client_or_time_is_not_widened(active: Story, wrong: dict[str, object]) -> None:
    before = active.found()
    assert isinstance(active.store.widen_grant(widening(active, **wrong)), Refused)
    assert active.found() == before


@requirement("CB-03")
def test_a_grant_that_has_ended_or_not_begun_is_not_widened(active: Story, transport: Transport) -> None:
    active.store.revoke_grant(active.grant_id, client_id=CLIENT)
    assert isinstance(active.store.widen_grant(widening(active)), Refused)
    outstanding = Story(make_store(transport))
    outstanding.claim()
    outstanding.issue()
    assert isinstance(outstanding.store.widen_grant(widening(outstanding)), Refused)
