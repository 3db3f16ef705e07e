"""A package running as Lambda runs it: unpacked, under AWS's own runtime client, alone in its Python."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from cli.deployment.local_environment import LOCAL
from local.package.package import ROOT, find_python, find_uv
from tests.deploy.package.runtime_api import RuntimeApi

RUNTIME_LOCK = ROOT / "requirements-runtime.txt"
RUNTIME_ENVIRONMENT = ROOT / ".venv-runtime"


def runtime_python() -> Path:
    """The Python of an environment with only what the Lambda runtime brings; made once per lock, precompiled."""
    python = RUNTIME_ENVIRONMENT / "bin" / "python"
    stamp = RUNTIME_ENVIRONMENT / "lock.sha256"
    digest = hashlib.sha256(RUNTIME_LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != digest:
        shutil.rmtree(RUNTIME_ENVIRONMENT, ignore_errors=True)
        uv = find_uv()
        subprocess.run([uv, "venv", "--quiet", "--python", find_python(), str(RUNTIME_ENVIRONMENT)], check=True)
        command = [uv, "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--compile-bytecode"]
        subprocess.run([*command, "--python", str(python), "-r", str(RUNTIME_LOCK)], check=True)
        stamp.write_text(digest)
    return python


class LambdaFunction:
    """One execution environment of a package. Use it as a context manager, or call stop().

    environ     the function's environment variables; nothing of this process's environment reaches it
    path        further folders on its PYTHONPATH, for what stands outside of the package (the network)
    handler     which function of the package; the API's unless said
    """

    def __init__(
        self,
        package: Path,
        folder: Path,
        *,
        environ: Mapping[str, str],
        path: tuple[Path, ...] = (),
        log: Path | None = None,
        handler: str = "app.app",
    ) -> None:
        self.handler = handler
        self.task = folder / "task"
        if not self.task.exists():
            with zipfile.ZipFile(package) as archive:
                archive.extractall(self.task)
        self.api = RuntimeApi()
        self.log = log or folder / "function.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(runtime_python()), "-m", "awslambdaric", handler],
                cwd=self.task,
                env=self._environment(environ, path),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> "LambdaFunction":
        self.api.wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, event: dict[str, Any], context: object = None) -> dict[str, Any]:
        """Invoke it; the shape of a Chalice application, so that the local gateway can stand before it."""
        return self.api.invoke(event)

    def stop(self) -> None:
        """End the process and the Runtime API."""
        self.process.kill()
        self.process.wait(10)
        self.api.stop()

    def cpu_seconds(self) -> float:
        """CPU that all threads of the process have used (Linux: schedstat, in nanoseconds)."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def resident_bytes(self) -> int:
        """Resident memory of the process (Linux)."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _environment(self, environ: Mapping[str, str], path: tuple[Path, ...]) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            # Lambda puts the task folder first; the interpreter's working directory is the task as well.
            "PYTHONPATH": os.pathsep.join([str(self.task), *(str(folder) for folder in path)]),
            # /var/task is read-only there: a first run that left bytecode behind would make the next one look faster.
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "token-broker-test",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "LAMBDA_TASK_ROOT": str(self.task),
            "_HANDLER": self.handler,
            **LOCAL,
            **environ,
        }


def main() -> int:
    """Make the runtime's environment, for those who want it before the first test."""
    print(runtime_python())
    return 0


if __name__ == "__main__":
    sys.exit(main())
