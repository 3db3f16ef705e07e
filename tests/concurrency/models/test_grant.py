"""The grant protocol holds in every interleaving of a few actors, and each of its rules is needed."""

import pytest

from tests.concurrency.models.explore import walks
from tests.concurrency.models.grant import MISTAKES, MUST_HAPPEN, RULES, find_faults, moves
from tests.concurrency.models.world import SIGN_IN


def test_no_interleaving_breaks_a_promise_and_everything_that_must_happens() -> None:
    worlds, faults, happened = find_faults(RULES)
    assert faults == {}
    assert worlds > 300_000
    assert MUST_HAPPEN - happened == set()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_rule_is_needed(mistake: str) -> None:
    _, faults, _ = find_faults(RULES._replace(**MISTAKES[mistake]), stop_at_first=True)
    assert faults


def test_walks_are_repeatable_and_end() -> None:
    first, second = (list(walks(SIGN_IN, lambda w: moves(w, RULES), count=20, seed=1)) for _ in range(2))
    assert first == second
    assert all(walk[-1][1].now == SIGN_IN.horizon for walk in first)
