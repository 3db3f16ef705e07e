"""Every provider file from sign-in to revocation, offline, through the real edge."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.providers.catalog import load_catalog
from cli.main import main
from local.trial import steps
from local.trial.workshop import Workshop
from tests.kit.providers.team_provider import ours, team, team_text

NAMES = ["sign-in", "hand-out", "refresh", "hand-out again", "revoke"]


@pytest.mark.parametrize("provider_id", sorted(load_catalog().ids))
def test_every_provider_file_signs_in_hands_out_refreshes_and_revokes(shop: Workshop, provider_id: str) -> None:
    outcomes = list(steps.run_trial(shop, ours(provider_id)))
    assert [(outcome.step, outcome.passed) for outcome in outcomes] == [(name, True) for name in NAMES], outcomes


def test_a_file_of_a_teams_own_too(shop: Workshop) -> None:
    refresh = '[refresh]\nkind = "rotating"\n[revocation]\nkind = "rfc7009"\n'
    outcomes = list(steps.run_trial(shop, team(refresh)))
    assert [outcome.passed for outcome in outcomes] == [True] * 5, outcomes
    assert outcomes[2].said == "rotating, one request"


def test_without_refresh_it_says_so(shop: Workshop) -> None:
    said = [outcome.said for outcome in steps.run_trial(shop, team())]
    assert said[2] == "has no refresh"
    assert said[4] == "access_token not_supported"


def test_a_step_that_fails_says_why_and_is_the_last(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = steps.prepare

    def prepare(*arguments: Any) -> steps.Trial:
        trial = honest(*arguments)
        trial.player.faults.token_error = "invalid_client"
        return trial

    monkeypatch.setattr(steps, "prepare", prepare)
    (outcome,) = steps.run_trial(shop, team())
    assert (outcome.step, outcome.passed) == ("sign-in", False)
    assert "502" in outcome.said and "token_invalid_client" in outcome.said


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command in this process: exit code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["provider", "test", *words])
        return (code, *capsys.readouterr())

    return run


def test_the_command_prints_a_line_per_step(typed: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = typed("github")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["github"] * 5
    assert all(" ok " in line for line in out.splitlines())


def test_the_command_takes_a_file_and_answers_json(
    typed: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "team.toml").write_text(team_text())
    code, out, _ = typed(str(tmp_path / "team.toml"), "--json")
    (result,) = json.loads(out)
    assert (code, result["provider_id"], result["passed"]) == (0, "team", True)
    assert [step["step"] for step in result["steps"]] == NAMES
    failed = steps.Outcome("sign-in", False, "why")
    monkeypatch.setattr(steps, "run_trial", lambda shop, definition: iter([failed]))
    code, out, err = typed(str(tmp_path / "team.toml"))
    assert (code, "FAILED  why" in out, "failed: team" in err) == (1, True, True)


def test_all_of_them_are_a_table_with_a_line_each(
    typed: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_trial(shop: Workshop, definition: Any) -> Iterator[steps.Outcome]:
        good = definition.provider_id != "github"
        yield steps.Outcome("sign-in", good, "why")
        if good:
            yield from (steps.Outcome(name, True, f"{name} said") for name in NAMES[1:])

    monkeypatch.setattr(steps, "run_trial", run_trial)
    (tmp_path / "team.toml").write_text(team_text())
    code, out, err = typed("--all", "--providers", str(tmp_path))
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert set(lines) == load_catalog().ids | {"team"} and len(lines) == len(out.splitlines())
    assert "FAILED  sign-in: why" in lines["github"]
    assert lines["team"].endswith("ok      refresh: refresh said; revoke: revoke said")
    assert (code, "failed: github" in err) == (1, True)


@pytest.mark.parametrize("what", ["nobody", "/nowhere/x.toml"])
def test_what_is_not_there_is_said(typed: Callable[..., tuple[int, str, str]], what: str) -> None:
    code, _, err = typed(what)
    assert code == 1 and what in err and "next:" in err
