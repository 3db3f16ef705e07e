"""Everything that a release publishes. The same commit and the same locks give the same bytes."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.progress import Progress
from local.docs_site.command import build_version
from local.package.package import PLATFORMS, PackagingError, build_package, write_zip
from local.package.sbom import write_bill
from local.package.template import write_template
from local.package.wheel import build_wheel, build_wheel_from
from local.release.changelog import find_section

SUMS = "SHA256SUMS"
NPM = ("--ignore-scripts", "--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--silent")


def build_release(root: Path, folder: Path, version: str) -> list[Path]:
    """Build all of a release into an empty folder; returns its files. Raises PackagingError."""
    steps: dict[str, Callable[[], object]] = {
        "deployment packages": lambda: build_deployments(folder),
        "wheel": lambda: build_wheel(folder, root),
        "Python client": lambda: build_python_client(root, folder),
        "npm package": lambda: pack_npm_client(root, folder),
        "documentation": lambda: build_documentation(folder, version),
    }
    with Progress("building the release", len(steps)) as progress:
        for name, step in steps.items():
            progress.note(name)
            step()
            progress.advance()
    notes = find_section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    (folder / "NOTES.md").write_text(f"{notes}\n", encoding="utf-8")
    write_sums(folder)
    return sorted(folder.iterdir())


def build_deployments(folder: Path) -> None:
    """The zip for Lambda, its template and its bill of materials, for each architecture."""
    for arch in PLATFORMS:
        package = folder / f"token-broker-{arch}.zip"
        build_package(package, arch=arch)
        write_template(package, arch=arch)
        write_bill(package)


def build_python_client(root: Path, folder: Path) -> Path:
    """The wheel of `token_broker_client`."""
    client = root / "clients" / "python"
    listed = subprocess.run(["git", "-C", str(client), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return build_wheel_from(client, [name for name in listed.stdout.split("\0") if name], folder)


def pack_npm_client(root: Path, folder: Path) -> None:
    """The npm package `token-broker-client`."""
    command = ["npm", "pack", str(root / "clients" / "javascript"), "--pack-destination", str(folder), *NPM]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"npm pack failed:\n{done.stderr}".rstrip())


def build_documentation(folder: Path, version: str) -> None:
    """The documentation site, to unpack and to read without a network."""
    with tempfile.TemporaryDirectory(prefix="broker-docs-") as scratch:
        tree = Path(scratch, "tree")
        build_version(tree, version)
        write_zip(tree, folder / f"token-broker-docs-{version}.zip")


def write_sums(folder: Path) -> None:
    """The SHA-256 of each file, as `sha256sum --check` reads it."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(folder.iterdir())]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="ascii")


def check_replaceable(folder: Path) -> None:
    """Raises PackagingError for a folder that holds anything else than an earlier attempt."""
    if folder.exists() and not (folder / SUMS).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise PackagingError(f"{folder} is in use; name a new or an empty folder with --out")


def replace_folder(built: Path, folder: Path) -> None:
    """Put a finished release in the place of an earlier attempt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, folder)
