"""`dev.py test` closes with one line that counts what pytest counted, alone and in parallel."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.test_command import planned
from tests.kit import ROOT

TESTS = """
import pytest

def test_good(): ...
def test_good_too(): ...
def test_bad(): assert False
@pytest.fixture
def broken(): raise OSError
def test_error(broken): ...
@pytest.mark.skip(reason="why")
def test_left_out(): ...
"""


@pytest.mark.parametrize("parallel", [[], ["-n", "2"]], ids=["alone", "parallel"])
def test_the_closing_line_counts_everything(tmp_path: Path, parallel: list[str]) -> None:
    (tmp_path / "test_x.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, ROOT / "dev.py", "test", tmp_path, "-p", "no:cacheprovider", *parallel],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == f"2 passed, 2 failed, 1 skipped, {planned()} planned"
    assert done.returncode == 1
