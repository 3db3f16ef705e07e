"""`broker provider set --variable`: what the file asks for, what is wrong with what was typed, and what it is now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.records.job import Job
from tests.kit.cli.operator import Done, Operator, deployed
from tests.kit.provider_files import TENANTS
from tests.kit.requirement import requirement

SET = ("provider", "set", "team", "--client-id", "us", "--secret-from", "env:TEAM_SECRET")


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@pytest.fixture
def team(typed: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """The command in a deployment that has the team's file too."""
    (tmp_path / "team.toml").write_text(TENANTS)
    monkeypatch.setenv("BROKER_PROVIDER_DIRS", str(tmp_path))
    monkeypatch.setenv("TEAM_SECRET", "made-up-secret")
    return typed


@requirement("VAL-01")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ("tenant is missing: Tenant, as acme", "--variable tenant=acme")),
        (("tenant",), ("--variable tenant is not NAME=VALUE",)),
        (("tenant=a", "tenant=b"), ("tenant is given twice",)),
        (("tenant=a/b",), ("tenant=a/b is invalid: Tenant, as acme", "--variable tenant=acme")),
        (("tenant=acme", "region=asia"), ("region=asia is invalid: Region, one of eu, us (default eu)",)),
        (("tennant=acme",), ("team has no variable tennant; is it tenant?", "tenant is missing")),
        (("tenant=acme", "x=y"), ("team has no variable x",)),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(
    team: Callable[..., Done], words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    team(*SET, *(part for word in words for part in ("--variable", word))).refused(*said)
    assert team("provider", "show", "team", "--json").json["switched_on"] is False


@requirement("VAL-01")
def test_a_value_that_fits_its_rule_and_not_its_place_is_refused(team: Callable[..., Done], tmp_path: Path) -> None:
    text = TENANTS.replace("https://{region}.team.example/{tenant}/token", "https://{tenant}.team.example/token")
    (tmp_path / "team.toml").write_text(text)
    team(*SET, "--variable", "tenant=a.evil").refused("tenant=a.evil is not allowed in an address")


@requirement("VAL-01")
def test_what_is_set_is_shown_and_a_set_without_it_takes_it_back(team: Callable[..., Done], broker: Operator) -> None:
    assert team("provider", "show", "team", "--json").json["variables"] == {
        "region": "Region, one of eu, us (default eu)",
        "tenant": "Tenant, as acme",
    }
    assert team(*SET, "--variable", "tenant=acme", "--variable", "region=us").code == 0
    shown = team("provider", "show", "team", "--json").json["variables"]
    assert shown == {"region": "us (Region)", "tenant": "acme (Tenant)"}
    assert "acme" in team("provider", "show", "team").out
    team(*SET, "--variable", "tenant=other").refused("eu.team.example", "--ends-connections")
    assert team("provider", "show", "team", "--json").json["variables"] == shown
    assert team(*SET, "--variable", "tenant=other", "--ends-connections").code == 0
    (word,) = deployed(broker).scan("JOB#voided", Job)
    assert word.provider_id == "team"
    assert team("provider", "show", "team", "--json").json["variables"]["region"].endswith("(default eu)")


def test_a_file_that_has_changed_since_is_found_by_check(team: Callable[..., Done], tmp_path: Path) -> None:
    assert team(*SET, "--variable", "tenant=acme").code == 0
    assert team("provider", "check", "team", "--json").json["endpoints"] == "ok, https://eu.team.example/acme/token"
    (tmp_path / "team.toml").write_text(TENANTS.replace("[a-z0-9.]{3,20}", "[0-9]{3}").replace('"acme"', '"123"'))
    team("provider", "check", "team").refused("--variable tenant=VALUE")


@requirement("CB-06")
def test_one_registration_behind_two_ids_is_found_under_the_addresses_that_are_filled_in(
    team: Callable[..., Done], tmp_path: Path
) -> None:
    assert team(*SET, "--variable", "tenant=acme").code == 0
    (tmp_path / "second.toml").write_text(TENANTS.replace('"team"', '"second"'))
    second = ("provider", "set", "second", *SET[3:], "--variable")
    assert team(*second, "tenant=other").code == 0
    team(*second, "tenant=acme").refused("second and team share one registration")
