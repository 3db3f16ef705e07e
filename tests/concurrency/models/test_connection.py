"""The connection protocol holds in every interleaving of a few actors, and each of its rules is needed."""

import pytest

from tests.concurrency.models.connection import FIXES, MUTANTS, NEEDED, PROFILES, explore, initial
from tests.kit.requirement import requirement

RULES = frozenset(FIXES)
BROKEN_BY = {"lease_ignores_holder": {"lease_attempt"}}


@requirement("VLT-07", "F16", "F17")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", ["1,1,1,0,0,1", "2,0,0,1,1,0", "1,1,1,0,1,0"])
def test_no_interleaving_loses_or_revives_a_token(profile: str, size: str) -> None:
    states, found = explore(PROFILES[profile], RULES, initial(*map(int, size.split(","))))
    assert found == {} and states > 100


@requirement("VLT-07")
@pytest.mark.parametrize("rule", FIXES)
def test_each_rule_is_needed(rule: str) -> None:
    profile, size = NEEDED[rule]
    _, found = explore(PROFILES[profile], RULES - {rule}, initial(*map(int, size.split(","))), stop_first=True)
    assert found


@requirement("VLT-07")
@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_protocol_broken_on_purpose_is_seen(mistake: str) -> None:
    profile, size = MUTANTS[mistake]
    rules = (RULES - BROKEN_BY.get(mistake, set())) | {mistake}
    _, found = explore(PROFILES[profile], rules, initial(*map(int, size.split(","))), stop_first=True)
    assert found
