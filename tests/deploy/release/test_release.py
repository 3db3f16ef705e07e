"""All of a release, built in a clone: what is in it, and that two builds give the same bytes."""

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from local.release.artifacts import build_python_client, pack_npm_client, write_sums
from local.release.changelog import find_section, move_unreleased
from local.release.versions import read_version
from tests.kit import ROOT
from tests.kit.repo.clone import clone, commit
from tests.kit.requirement import requirement

VERSION = read_version(ROOT)


def prepared(folder: Path) -> Path:
    """A committed copy of this tree whose changelog has a section for its version."""
    changelog = clone(folder) / "CHANGELOG.md"
    if find_section(changelog.read_text(), VERSION) is None:
        changelog.write_text(move_unreleased(changelog.read_text(), VERSION))
    commit(folder)
    return folder


def release(tree: Path, out: Path) -> dict[str, bytes]:
    command = [sys.executable, "dev.py", "release", "--dry-run", "--out", str(out)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Token Broker {VERSION}, in ") and "Nothing is published" in done.stdout
    return {path.name: path.read_bytes() for path in out.iterdir()}


@requirement("DLV-08")
@pytest.mark.nightly("whole-release")
@pytest.mark.timeout(1300)
def test_a_release_is_whole_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    one = release(prepared(tmp_path / "a clone"), tmp_path / "one")
    assert set(one) == {
        *(f"token-broker-{arch}.{end}" for arch in ("arm64", "x86_64") for end in ("zip", "json", "cdx.json")),
        f"token_broker-{VERSION}-py3-none-any.whl",
        f"token_broker_client-{VERSION}-py3-none-any.whl",
        f"token-broker-client-{VERSION}.tgz",
        f"token-broker-docs-{VERSION}.zip",
        "NOTES.md",
        "SHA256SUMS",
    }
    sums = dict(line.split("  ")[::-1] for line in one["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in one.items() if name != "SHA256SUMS"}
    (tmp_path / "docs.zip").write_bytes(one[f"token-broker-docs-{VERSION}.zip"])
    with zipfile.ZipFile(tmp_path / "docs.zip") as docs:
        assert {"index.html", "versions.json", f"{VERSION}/vault.html"} <= set(docs.namelist())
    assert json.loads(one["token-broker-arm64.cdx.json"])["metadata"]["component"]["version"] == VERSION
    other = release(prepared(tmp_path / "another clone"), tmp_path / "other")
    assert [name for name in one if one[name] != other[name]] == []


@requirement("DLV-08")
def test_the_packages_for_apps_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        build_python_client(ROOT, tmp_path / name)
        pack_npm_client(ROOT, tmp_path / name)
        write_sums(tmp_path / name)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert one == other
    wheel, package = (f"token_broker_client-{VERSION}-py3-none-any.whl", f"token-broker-client-{VERSION}.tgz")
    assert set(one) == {wheel, package, "SHA256SUMS"}
    with zipfile.ZipFile(tmp_path / "one" / wheel) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {
            "token_broker_client",
            f"token_broker_client-{VERSION}.dist-info",
        }
    with tarfile.open(tmp_path / "one" / package) as packed:
        assert "package/broker.js" in packed.getnames()
