"""The workflows run commands that there are, from actions that nobody can change, and may only read the repository."""

import os
import re
from typing import Any

import pytest
import yaml

from local.commands import COMMANDS
from tests.kit import ROOT
from tests.kit.requirement import requirement
from tests.kit.requirements import read_tests
from tests.kit.tiers import find_group, read_tiers

FOLDER = ROOT / ".github" / "workflows"
RUNS = {"ci.yml": ".ci/run", "nightly.yml": "python3 dev.py nightly"}


def read_workflow(name: str) -> dict[Any, Any]:
    # YAML 1.1 reads the key `on` as true.
    found: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def list_steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read_workflow(name)["jobs"].values() for step in job["steps"]]


def test_every_workflow_is_checked_here() -> None:
    assert {path.name for path in FOLDER.iterdir()} == RUNS.keys()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "nightly" in COMMANDS


@pytest.mark.parametrize("name", RUNS)
def test_a_workflow_ends_with_its_command_and_reads_alone(name: str) -> None:
    workflow, steps = read_workflow(name), list_steps(name)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert steps[-1]["run"] == RUNS[name]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)


def test_changes_and_nights_start_them() -> None:
    assert read_workflow("ci.yml")[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert "schedule" in read_workflow("nightly.yml")[True]


def test_the_night_has_the_packages_that_a_change_has() -> None:
    wanted = set(re.findall(r"missing\+=\(([^)]+)\)", (ROOT / ".ci" / "run").read_text(encoding="utf-8")))
    names = {name for group in wanted for name in group.split()}
    (installed,) = (step["run"] for step in list_steps("nightly.yml") if "apt-get" in step.get("run", ""))
    assert names <= set(installed.split())


@requirement("DOC-11")
def test_a_change_builds_the_documentation_site_and_the_night_reads_it_in_a_browser() -> None:
    nodes, tiers = read_tests()[1], read_tiers()
    for file, group in (("repo/docs/test_site.py", None), ("browser/test_docs_site.py", "documentation-site")):
        assert {find_group(node, tiers) for node in nodes if node.startswith(f"tests/{file}::")} == {group}
