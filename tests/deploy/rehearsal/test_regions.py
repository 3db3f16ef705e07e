"""Two regions on two AWS written by others: routing by the letter, and one of them lost."""

import pytest

from tests.deploy.rehearsal.regions import STEPS
from tests.deploy.rehearsal.rehearse import main
from tests.kit.requirement import requirement


@requirement("OPS-27", "F25")
def test_two_regions_decide_about_their_own_until_one_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """By the command that operators run: each step asserts what docs/regions.md says."""
    assert main(["--regions"]) == 0
    assert [line.split(" ok ")[0].strip() for line in capsys.readouterr().out.splitlines()] == [
        step.__name__.replace("_", " ") for step in STEPS
    ]
