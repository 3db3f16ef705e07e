"""A provider of a team's own, simulated, and a broker to which it is switched on."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.providers.definition import ProviderDefinition
from local.trial.steps import run_trial
from local.trial.workshop import Workshop
from tests.kit.providers.provider_scene import shop, stage
from tests.kit.providers.team_provider import team

__all__ = ["shop", "stage"]


def settle(shop: Workshop, definition: ProviderDefinition) -> list[str]:
    """What each step of a trial saw; every one has passed."""
    outcomes = list(run_trial(shop, definition))
    assert [outcome.passed for outcome in outcomes] == [True] * 5, outcomes
    return [outcome.said for outcome in outcomes]


@pytest.fixture
def trial(shop: Workshop) -> Callable[..., list[str]]:
    """Sign in, hand out, refresh, hand out again and revoke at a team's file with further sections and other values."""

    def run(more: str = "", **changed: Any) -> list[str]:
        return settle(shop, team(more, **changed))

    return run
