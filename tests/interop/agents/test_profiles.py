"""Agents of today, simulated from files: each gets through every step, and docs/mcp.md shows the table."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local.agents.command import BEGIN, END, Trial, failed, render
from local.agents.profile import Profile, read_profiles
from tests.kit import ROOT
from tests.kit.requirement import requirement

PAGE = ROOT / "docs" / "mcp.md"
PROFILES = read_profiles()
# rule of the broker -> the settings that switch it off
RULES = {
    "documents": {"client_id_documents": "false"},
    "registration": {"registration": "closed"},
    "refresh_tokens_unasked": {"refresh_tokens_unasked": "false"},
}


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    with Trial() as running:
        yield running


@requirement("MCP-06")
@pytest.mark.parametrize("profile", PROFILES, ids=[one.file for one in PROFILES])
def test_an_agent_gets_through_every_step(trial: Trial, profile: Profile) -> None:
    results = trial.run(profile)
    assert failed(results) == [], results


@requirement("MCP-06")
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_switched_off_stops_exactly_the_agents_that_depend_on_it(rule: str) -> None:
    settings = [f"--set={name}={value}" for name, value in RULES[rule].items()]
    command = [sys.executable, "-m", "local.agents.command", "--json", *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=PAGE.parents[1])
    stopped = {name for name, steps in json.loads(done.stdout).items() if failed(steps)}
    assert stopped == {one.file for one in PROFILES if rule in one.depends_on}


def test_at_least_ten_agents_are_simulated_and_each_names_its_source() -> None:
    assert len(PROFILES) >= 10
    assert all(source.startswith("https://") for one in PROFILES for source in one.sources)
    assert {rule for one in PROFILES for rule in one.depends_on} == RULES.keys()


def test_the_page_shows_what_the_command_prints() -> None:
    works = {one.file: trial_of(one) for one in PROFILES}
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == render(PROFILES, works).strip()


def trial_of(profile: Profile) -> dict[str, str]:
    """The results that the first test proves for an agent."""
    done = dict.fromkeys(("discovery", "identity", "sign-in", "call"), "ok")
    done["refresh"] = "ok" if profile.refreshes else "-"
    done["step-up"] = "ok" if profile.steps_up else "-"
    return done
