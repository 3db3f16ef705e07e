"""The npm packages are installed once per lock, the lock keeps no address, and without Node one is told what to do."""

import json
from pathlib import Path

import pytest

from local.node import NoNode, install_packages, why_no_node, write_lock

NPM = """#!/bin/sh
echo "$*" >> "$COUNTED"
case "$1" in
  ci) rm -rf node_modules && mkdir node_modules ;;
  install) printf '%s' "$LOCK" > package-lock.json ;;
esac
exit "${NPM_STATUS:-0}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock, and an npm that only notes how it was called."""
    programs, folder = tmp_path / "bin", tmp_path / "packages"
    programs.mkdir()
    folder.mkdir()
    for name, text in (("node", "#!/bin/sh\n"), ("npm", NPM)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (folder / "package-lock.json").write_text("{}")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("COUNTED", str(tmp_path / "counted"))
    return folder


def calls(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder.parent / "counted").read_text().splitlines()]


def test_packages_are_installed_once_per_lock(folder: Path) -> None:
    assert install_packages(folder) == folder / "node_modules"
    install_packages(folder)
    assert calls(folder) == ["ci"]
    (folder / "package-lock.json").write_text('{"another": 1}')
    install_packages(folder)
    assert calls(folder) == ["ci", "ci"]


def test_what_failed_is_said_and_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_STATUS", "1")
    with pytest.raises(NoNode, match="this failed: npm ci"):
        install_packages(folder)
    monkeypatch.delenv("NPM_STATUS")
    install_packages(folder)
    assert calls(folder) == ["ci", "ci"]


def test_a_lock_is_written_without_addresses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "package.json").write_text('{"dependencies": {"a": "1.0.0"}}')
    entry = {"version": "1.0.0", "integrity": "sha512-x", "resolved": "a place", "funding": {"url": "another"}}
    monkeypatch.setenv("LOCK", json.dumps({"packages": {"node_modules/a": entry}}))
    written = json.loads(write_lock(folder).read_text())
    assert written["packages"]["node_modules/a"] == {"version": "1.0.0", "integrity": "sha512-x"}


def test_without_node_one_is_told_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_no_node() == "node and npm not installed (apt-get install -y nodejs npm)"
    for refused in (install_packages, write_lock):
        with pytest.raises(NoNode, match="apt-get install -y nodejs npm"):
            refused(tmp_path)
