"""The wheel of the command `token-broker`, installed with all that it requires into a fresh environment."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli.parser import read_version
from local.cache_growth import measure
from local.package import command
from local.package.package import PackagingError
from local.package.wheel import build_wheel, tracked_files
from local.virtual_environment import LOCAL_LOCK, find_uv
from tests.kit import ROOT
from tests.kit.requirement import requirement

PYTHONS = ("3.11", "3.13")
OPERATE = """
set -eu
export PATH="$1:$PATH" TOKEN_BROKER_STATE="$2"
token-broker --version
token-broker tour
token-broker serve --port 0 --json > ready.json &
trap 'kill $!; wait $!' EXIT
while ! [ -s ready.json ]; do sleep 0.1; done
token-broker client create --name "My app" --redirect-uri http://localhost:5173/callback
token-broker doctor --no-network || true
token-broker testing -- sh -c 'echo "for tests: $TOKEN_BROKER_ISSUER"'
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("a wheel"))


def commit(root: Path) -> None:
    """Make `root` a repository that tracks what is in it now."""
    for arguments in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)


@requirement("START-02")
def test_the_command_builds_the_same_bytes_each_time(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--wheel", "--out", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["wheel"] == str(tmp_path / wheel.name)
    assert said["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()


@requirement("START-02")
def test_only_tracked_files_are_in_it_and_no_common_name_at_its_top(wheel: Path, tmp_path: Path) -> None:
    for name in tracked_files(ROOT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    commit(tmp_path)
    (tmp_path / "cli" / "secret.py").write_text("SECRET = 1\n")
    assert build_wheel(tmp_path / "out", tmp_path).read_bytes() == wheel.read_bytes()
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert top == {"token_broker_testing", f"token_broker-{read_version()}.dist-info"}


@requirement("START-02")
def test_a_folder_that_git_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="build the wheel in a clone"):
        build_wheel(tmp_path / "out", tmp_path)


@requirement("START-01", "START-02")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", PYTHONS)
def test_a_fresh_environment_runs_every_kind_of_command_and_takes_less_than_200_megabytes(
    wheel: Path, tmp_path: Path, version: str
) -> None:
    python, uv = shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin"), find_uv(Path(sys.prefix))
    if python is None or uv is None:
        pytest.skip(f"no Python {version} here")
    folder, home = tmp_path / "an environment", tmp_path / "a home"
    home.mkdir()
    subprocess.run([uv, "venv", "-q", "--python", python, folder], check=True)
    install = [uv, "pip", "install", "-q", "--python", folder / "bin" / "python", "-c", LOCAL_LOCK, wheel]
    subprocess.run(install, check=True)
    assert measure(folder) < 200
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "PYTHON"))}
    command = ["sh", "-c", OPERATE, "sh", folder / "bin", home / "state"]
    done = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"Token Broker {read_version()}\n") and "All ten steps worked." in done.stdout
    assert re.search(r"client_id +\S+\n", done.stdout) and "score " in done.stdout
    assert "for tests: http://127.0.0.1:" in done.stdout
