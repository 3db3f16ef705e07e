"""What developers copy is small, and agrees with the types that it and the libraries have."""

import gzip
import subprocess
from pathlib import Path

import pytest

from local.node import ROOT, NoNode, install_packages
from tests.kit.requirement import requirement

CLIENTS = ROOT / "clients"
PACKAGE = CLIENTS / "javascript"
MODULES = ("broker", "connected-accounts")


@pytest.fixture(scope="module")
def packages() -> Path:
    """npm's packages."""
    try:
        return install_packages()
    except NoNode as missing:
        pytest.skip(str(missing))


@requirement("DLV-01")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_at_most_3_kb_as_it_lies(name: str) -> None:
    assert len(gzip.compress((PACKAGE / f"{name}.js").read_bytes())) <= 3072


@requirement("DLV-01")
def test_both_together_are_at_most_3_kb_as_a_bundler_sends_them(packages: Path) -> None:
    program = packages / "@esbuild" / "linux-x64" / "bin" / "esbuild"
    if not program.exists():
        program = packages / "esbuild" / "bin" / "esbuild"
    files = [str(PACKAGE / f"{name}.js") for name in MODULES]
    sent = b"".join(
        subprocess.run([program, "--minify", "--format=esm", file], capture_output=True, check=True).stdout
        for file in files
    )
    assert len(gzip.compress(sent)) <= 3072


@requirement("DLV-01", "DLV-02")
def test_the_types_are_right_and_written_down(packages: Path, tmp_path: Path) -> None:
    compiler = packages / "typescript" / "bin" / "tsc"
    command = ["node", str(compiler), "--project", str(CLIENTS), "--outDir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for name in MODULES:
        written = (PACKAGE / f"{name}.d.ts").read_text(encoding="utf-8")
        assert written == next(tmp_path.rglob(f"{name}.d.ts")).read_text(encoding="utf-8"), f"write {name}.d.ts anew"
