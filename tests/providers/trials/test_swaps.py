"""A swap through the whole broker: lost answers, refusals, and what a hand-out says meanwhile."""

import pytest

from local.fake.profile.profile_server import RunningProfile
from local.trial.app import TrialFailed
from tests.kit.providers.provider_scene import Scene, Stage
from tests.kit.providers.team_files import SWAP
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement

DAY = 86400
LIFE = 60 * DAY


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """Signed in, the token past the half of its life."""
    made: Scene = stage(team(SWAP + "idle_expiry_seconds = 5184000\n"))
    made.redeem(made.come_back())
    made.trial.shop.clock.advance(LIFE // 2 + 1)
    made.app.renew()
    return made


def swaps(player: RunningProfile) -> list[dict[str, str]]:
    return [one.query for one in player.requests if one.path.endswith("/refresh_access_token")]


@requirement("VLT-07")
def test_the_token_itself_is_presented_and_nothing_of_ours(scene: Scene) -> None:
    first = scene.player.grants.access_tokens
    (old,) = first
    assert scene.app.hand_out()["access_token"] != old
    assert swaps(scene.player) == [{"grant_type": "team_refresh_token", "access_token": old}]


@requirement("VLT-08")
def test_a_lost_answer_costs_nobody_the_token_that_lives(scene: Scene) -> None:
    (old,) = scene.player.grants.access_tokens
    scene.player.faults.at, scene.player.faults.status = frozenset({"token"}), 503
    with pytest.raises(TrialFailed, match="503"):
        scene.app.hand_out()
    assert scene.app.hand_out()["access_token"] == old
    assert len(swaps(scene.player)) == 1
    scene.player.faults.reset()
    scene.trial.shop.clock.advance(3600)
    scene.app.renew()
    assert scene.app.hand_out()["access_token"] != old
    assert len(swaps(scene.player)) == 2


@requirement("VLT-08")
def test_a_token_that_has_ended_is_not_presented(scene: Scene) -> None:
    scene.trial.shop.clock.advance(LIFE)
    scene.app.renew()
    with pytest.raises(TrialFailed, match="400 reauth_required"):
        scene.app.hand_out()
    assert not swaps(scene.player)
