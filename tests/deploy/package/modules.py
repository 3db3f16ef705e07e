"""What a cold start imports beside the standard library, as modules.txt lists it.

`python -m tests.deploy.package.modules` writes that list."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from local.package.package import build_package
from tests.deploy.package.function import runtime_python

KEPT = Path(__file__).with_name("modules.txt")
CODE = "import sys; before = set(sys.modules); import app; print(*sorted(set(sys.modules) - before))"


def loaded(task: Path) -> list[str]:
    """Modules that `import app` brings in, in the folder of an unpacked package."""
    environ = {"PYTHONPATH": str(task), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(runtime_python()), "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return done.stdout.split()


def own(modules: list[str]) -> list[str]:
    """Those that are not the standard library's, whose own vary with its release."""
    return [name for name in modules if name.split(".")[0] not in sys.stdlib_module_names]


def main() -> int:
    """Write the list anew."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task"
        with zipfile.ZipFile(build_package(Path(folder) / "host.zip", arch="host")) as package:
            package.extractall(task)
        KEPT.write_text("\n".join(own(loaded(task))) + "\n", encoding="utf-8")
    print(KEPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
