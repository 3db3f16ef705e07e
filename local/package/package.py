"""The deployment package: the files of a clean tree and the locked requirements, precompiled, byte for byte the same.

Chalice's own packager does not precompile (compiling source takes more than half of a cold start), does not follow
the hash lock for another platform, and ships `__pycache__`; and 8 MB needs pruning. Like it, this module adds two files
of `chalice` itself. boto3 and urllib3 are those of the Lambda runtime.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib import util
from pathlib import Path

from cli.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("app.py", "chalicelib", "vendor")
PYTHON = "3.13"
PLATFORMS = {"arm64": "aarch64-manylinux_2_34", "x86_64": "x86_64-manylinux_2_34"}
MAX_BYTES = 8 * 1024 * 1024
OLDEST_DATE_OF_ZIP = (1980, 1, 1, 0, 0, 0)
# Left at home: what no import reads. cryptography loads cffi's native half alone (`_cffi_backend`), never the package.
UNUSED_FOLDERS = re.compile(r"(^|/)(bin|__pycache__|cffi|pycparser|[^/]+\.dist-info)/")
UNUSED_FILES = re.compile(r"(\.pyi|\.pyc|\.pxd|\.lock|py\.typed)$|(^|/)\.[^/]+$")


class PackagingError(Exception):
    """Says what is in the way and what to type next."""


def build_package(
    target: Path, *, arch: str, root: Path = ROOT, requirements: Path | None = ROOT / "requirements.txt"
) -> Path:
    """Build the zip of the application in `root` for `arch`, by the Python that it will run on.

    requirements    the hash lock; None for an application that needs nothing but the runtime

    Raises PackagingError: no fitting tool or Python, a hash that does not match, over 8 MB.
    """
    with tempfile.TemporaryDirectory(prefix="broker-package-") as folder, Progress("building", 4, "steps") as shown:
        task = Path(folder) / "task"
        task.mkdir()
        shown.note("installing requirements")
        if requirements is not None:
            install_requirements(task, requirements, arch=arch)
        shown.advance("copying")
        copy_chalice(task)
        copy_application(task, root)
        prune(task)
        shown.advance("compiling")
        precompile(task)
        shown.advance("writing the zip")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_zip(task, target)
    if target.stat().st_size > MAX_BYTES:
        raise PackagingError(f"{target.name} has {target.stat().st_size:,} bytes; {MAX_BYTES:,} are allowed")
    return target


def architecture(arch: str) -> str:
    """Lambda's name of an architecture; `host` is this machine's."""
    if arch != "host":
        return arch
    return {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "x86_64")


def install_requirements(task: Path, requirements: Path, *, arch: str) -> None:
    """The locked wheels for Lambda's platform; a hash that is not in the lock, or a source archive, is refused."""
    command = [find_uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    command += ["--link-mode", "copy"]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORMS[architecture(arch)]]
    run([*command, "--target", str(task), "-r", str(requirements)])


def find_uv() -> str:
    """The installer that keeps to a hash lock for a foreign platform too."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        raise PackagingError("needs uv; `python3 dev.py package` brings it, or `pip install uv`")
    return uv


def copy_chalice(task: Path) -> None:
    """The two files of Chalice that run in Lambda, as its own packager injects them."""
    found = util.find_spec("chalice")
    if found is None or found.origin is None:
        raise PackagingError("needs chalice in this environment; run `python3 dev.py test` once")
    (task / "chalice").mkdir()
    for name in ("__init__.py", "app.py"):
        shutil.copy(Path(found.origin).with_name(name), task / "chalice" / name)


def copy_application(task: Path, root: Path) -> None:
    """The application's own files; what git does not know stays at home."""
    names = list(shipped_files(root))
    if "app.py" not in names:
        raise PackagingError(f"there is no app.py in {root} that git knows")
    for name in names:
        # `vendor/` is laid out at the top, as Chalice does.
        copy = task / name.removeprefix("vendor/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, copy)


def shipped_files(root: Path) -> Iterator[str]:
    """Names below `root` as git tracks them; in an unpacked archive without git, everything that looks like source."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--", *SHIPPED], capture_output=True, text=True, check=False
    )
    if listing.returncode == 0 and listing.stdout:
        yield from (name for name in listing.stdout.split("\0") if name and (root / name).is_file())
        return
    for top in SHIPPED:
        paths = [root / top] if (root / top).is_file() else sorted((root / top).rglob("*"))
        yield from (str(path.relative_to(root)) for path in paths if path.is_file())


def prune(task: Path) -> None:
    """Delete modules that the broker does not import."""
    for path in list(task.rglob("*")):
        name = path.relative_to(task).as_posix()
        if path.is_file() and (UNUSED_FOLDERS.search(name) or UNUSED_FILES.search(name)):
            path.unlink()


def precompile(task: Path) -> None:
    """Bytecode that is never checked against the source: dates in the zip say nothing, and /var/task is read-only."""
    command = [find_python(), "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    run([*command, "-s", str(task), "-p", "/var/task", str(task)])


def find_python() -> str:
    """A Python of the runtime's minor version; bytecode of another one would be ignored."""
    for candidate in (sys.executable, f"python{PYTHON}", f"/usr/bin/python{PYTHON}", "python3"):
        # Shims exist for versions that are not selected, and fail: only running one tells.
        try:
            asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if answer.returncode == 0 and answer.stdout.strip() == PYTHON:
            return candidate
    raise PackagingError(f"needs Python {PYTHON}, which Lambda runs; e.g. `uv python install {PYTHON}`")


def write_zip(task: Path, target: Path) -> None:
    """Sorted names, one date, one mode: equal trees give equal bytes."""
    files = {path.relative_to(task).as_posix(): path for path in task.rglob("*") if path.is_file()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST_DATE_OF_ZIP)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name].read_bytes(), compresslevel=9)


def run(command: list[str], *, folder: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Run a tool; what it complains about becomes the error.

    environ   variables to add to those of this process
    """
    own = {**os.environ, **(environ or {})}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}".rstrip())
