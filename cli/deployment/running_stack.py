"""What runs here, one small file per process under the folder of the local state: other terminals find the stack."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from cli.invocation import state_folder

FOLDER = state_folder() / "running"


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """One running command of the local stack; a context manager that keeps its file while it runs.

    endpoint_url   where its DynamoDB and KMS answer
    issuer         None for the embedded AWS alone
    kind           "demo", "serve" or "aws"
    settings       the BROKER_... names that it was started with; no secret is ever among them
    log            the files of its log, oldest first, where it keeps one
    started_at     epoch seconds
    """

    endpoint_url: str | None
    kind: str
    issuer: str | None = None
    log: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    pid: int = field(default_factory=os.getpid)
    started_at: float = field(default_factory=time.time)

    def __enter__(self) -> "RunningStack":
        FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = self._path().with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n")
        fresh.replace(self._path())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._path().unlink(missing_ok=True)

    def _path(self) -> Path:
        return FOLDER / f"{self.pid}.json"

    def is_alive(self) -> bool:
        """Does its process exist and something listen where it said? A process that took its number does not."""
        return process_exists(self.pid) and all(_answers(url) for url in (self.endpoint_url, self.issuer) if url)


def find_running() -> RunningStack | None:
    """The stack started last that still runs, one with a broker before an AWS alone; files of dead ones are removed."""
    found = list_running()
    return found[0] if found else None


def list_running() -> list[RunningStack]:
    """Every stack that still runs, in the order in which a command would choose."""
    return sorted(_living(), key=lambda stack: (stack.issuer is not None, stack.started_at), reverse=True)


def _living() -> Iterator[RunningStack]:
    for path in FOLDER.glob("*.json"):
        try:
            stack = RunningStack(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            continue
        if stack.is_alive():
            yield stack
        elif not process_exists(stack.pid):
            path.unlink(missing_ok=True)


def process_exists(pid: int) -> bool:
    """Whether a process has this number now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(url: str) -> bool:
    place = urlsplit(url)
    port = place.port or (443 if place.scheme == "https" else 80)
    with contextlib.suppress(OSError), socket.create_connection((place.hostname or "", port), timeout=1):
        return True
    return False
