"""The deployment package holds what it should, and nothing else."""

import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from local.package.package import (
    MAX_BYTES,
    ROOT,
    PackagingError,
    build_package,
    copy_application,
    install_requirements,
    shipped_files,
)
from tests.kit.requirement import requirement

EXPECTED_AT_TOP = {
    "app.py", "__pycache__", "chalice", "chalicelib", "cryptography", "jinja2", "jwt", "markupsafe", "msgspec",
}  # fmt: skip
ELF_MACHINE = {"x86_64": 62, "arm64": 183}


def names(package: Path) -> list[str]:
    return zipfile.ZipFile(package).namelist()


@requirement("OPS-04")
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    """From two folders, so that no path of a machine is in them."""
    first, second = tmp_path / "a checkout", tmp_path / "another checkout somewhere else"
    copy_application(first, ROOT)
    shutil.copy(ROOT / "requirements.txt", first)
    shutil.copytree(first, second)
    one, other = (
        build_package(
            tmp_path / f"{tree.name}.zip", arch="host", root=tree, requirements=tree / "requirements.txt"
        ).read_bytes()
        for tree in (first, second)
    )
    assert one == other


def test_it_is_at_most_8_megabytes(host_package: Path) -> None:
    assert host_package.stat().st_size <= MAX_BYTES


def test_a_package_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.package.package.MAX_BYTES", 1000)
    (tmp_path / "app.py").write_text("app = None\n")
    with pytest.raises(PackagingError, match="1,000 are allowed"):
        build_package(tmp_path / "out" / "a.zip", arch="host", root=tmp_path, requirements=None)


def test_it_holds_the_application_the_locked_requirements_and_two_files_of_chalice(host_package: Path) -> None:
    top = {name.split("/")[0] for name in names(host_package) if not name.startswith("_cffi_backend.")}
    assert top == EXPECTED_AT_TOP
    chalice = {name for name in names(host_package) if name.startswith("chalice/") and name.endswith(".py")}
    assert chalice == {"chalice/__init__.py", "chalice/app.py"}
    tracked = {name for name in shipped_files(ROOT) if not name.endswith((".pyi", "py.typed"))}
    assert tracked <= set(names(host_package))


def test_every_module_is_precompiled_and_never_checked_against_its_source(host_package: Path) -> None:
    with zipfile.ZipFile(host_package) as archive:
        sources = [name for name in archive.namelist() if name.endswith(".py")]
        for source in sources:
            folder, _, module = source.rpartition("/")
            bytecode = archive.read(f"{folder}/__pycache__/{module[:-3]}.cpython-313.pyc".lstrip("/"))
            assert struct.unpack("<I", bytecode[4:8])[0] == 0b01, f"{source}: not an unchecked hash"
    assert sources


def test_dates_and_modes_say_nothing(host_package: Path) -> None:
    entries = zipfile.ZipFile(host_package).infolist()
    assert {(entry.date_time, entry.external_attr >> 16) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0o644)}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)


def test_what_git_does_not_know_stays_at_home(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("app.py", "chalicelib/known.py", "chalicelib/.env", "chalicelib/unknown.py", "tests/test_it.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x = 1\n")
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    subprocess.run(["git", "-C", str(tree), "add", "app.py", "chalicelib/known.py", "tests"], check=True)
    package = build_package(tmp_path / "a.zip", arch="host", root=tree, requirements=None)
    assert {name for name in names(package) if name.endswith(".py") and not name.startswith("chalice/")} == {
        "app.py",
        "chalicelib/known.py",
    }
    assert not [name for name in names(package) if ".env" in name]


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_native_files_are_those_of_the_architecture(tmp_path: Path, arch: str) -> None:
    install_requirements(tmp_path, ROOT / "requirements.txt", arch=arch)
    machines = {struct.unpack("<H", path.read_bytes()[18:20])[0] for path in tmp_path.rglob("*.so*")}
    assert machines == {ELF_MACHINE[arch]}


@requirement("OPS-04")
def test_a_false_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("markupsafe==3.0.4 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(PackagingError, match="uv failed"):
        install_requirements(tmp_path / "task", lock, arch="arm64")
