"""A workshop for each module, and a player of any file for each test."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.providers.definition import ProviderDefinition
from local.fake.profile.profile_server import RunningProfile
from tests.kit.providers.provider_scene import shop
from tests.kit.providers.team_provider import RawApp, team

__all__ = ["shop"]


@pytest.fixture
def play() -> Iterator[Callable[[ProviderDefinition], RunningProfile]]:
    """Start players; they end with the test."""
    players: list[RunningProfile] = []

    def start(definition: ProviderDefinition) -> RunningProfile:
        players.append(RunningProfile(definition))
        return players[-1]

    yield start
    for player in players:
        player.stop()


@pytest.fixture
def raw(play: Callable[[ProviderDefinition], RunningProfile]) -> Callable[..., RawApp]:
    """An app straight at a player of the team's file with further sections."""
    return lambda more="", **changed: RawApp(play(team(more, **changed)))
