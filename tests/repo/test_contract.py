"""The import contract is seen to refuse: each case is a copy of the code with one wrong import."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import ROOT

LINT_IMPORTS = Path(sys.prefix, "bin", "lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_code_as_it_is_keeps_it(copy: Path) -> None:
    kept = lint(copy)
    assert kept.returncode == 0, kept.stdout


@pytest.mark.parametrize(
    ("file", "wrong", "said"),
    [
        (
            "records/grant.py",
            "import chalicelib.protocol.errors",
            "chalicelib.records.grant -> chalicelib.protocol.errors",
        ),
        (
            "vault/lookup.py",
            "import chalicelib.vault.handout",
            "chalicelib.vault.lookup -> chalicelib.vault.handout",
        ),
        ("responses.py", "import chalicelib.ports", "chalicelib.responses -> chalicelib.ports"),
        (
            "endpoints/authorization/response.py",
            "import chalicelib.adapters.process.log",
            "chalicelib.endpoints.authorization.response -> chalicelib.adapters.process.log",
        ),
        ("protocol/pkce.py", "import time", "chalicelib.protocol.pkce -> time"),
        ("encryption.py", "import boto3", "chalicelib.encryption -> boto3"),
        ("routes/__init__.py", "import local", "chalicelib.routes -> local"),
        ("utils.py", "", "chalicelib.utils"),
    ],
)
def test_a_wrong_import_or_an_unknown_room_breaks_it(copy: Path, file: str, wrong: str, said: str) -> None:
    path = copy / "chalicelib" / file
    path.write_text(f"{path.read_text() if path.exists() else ''}\n{wrong}\n")
    broken = lint(copy)
    assert broken.returncode == 1
    assert said in " ".join(broken.stdout.split())
