"""CPU of a cold start: the package beside a bare Chalice app with a boto3 DynamoDB client, packaged by the same recipe.

Both precompiled, both under AWS's runtime client, alternately. "Init" ends when the function asks for its first event;
since a client may be made on the first request instead, the first answer that needs the table is counted too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.clock import middle
from local.package.package import ROOT, build_package
from tests.deploy.package.function import LambdaFunction

Ask = Callable[[LambdaFunction], object]


@dataclass(frozen=True)
class Start:
    """One kind of function to start.

    ask   sends the first event, one whose answer needs the table
    """

    name: str
    package: Path
    environ: Mapping[str, str]
    ask: Ask
    path: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ColdStart:
    """Median CPU milliseconds until the first event is asked for, and until the first answer is given."""

    init: float
    answered: float


def bare_package(folder: Path) -> Path:
    """The bare app by our recipe."""
    return build_package(folder / "bare.zip", arch="host", root=ROOT / "bench" / "bare", requirements=None)


def measure(starts: list[Start], folder: Path, *, rounds: int) -> dict[str, ColdStart]:
    """Start each kind `rounds` times, alternately; the first round only warms the disk's cache."""
    figures: dict[str, list[tuple[float, float]]] = {start.name: [] for start in starts}
    for number in range(rounds + 1):
        for start in starts:
            figure = start_once(start, folder / start.name)
            if number:
                figures[start.name].append(figure)
    return {
        name: ColdStart(init=middle(init for init, _ in pairs), answered=middle(answered for _, answered in pairs))
        for name, pairs in figures.items()
    }


def start_once(start: Start, folder: Path) -> tuple[float, float]:
    """One cold start: milliseconds at the first question, and after the first answer."""
    folder.mkdir(parents=True, exist_ok=True)
    with LambdaFunction(start.package, folder, environ=start.environ, path=start.path) as function:
        init = function.cpu_seconds() * 1000
        start.ask(function)
        return init, function.cpu_seconds() * 1000


def ask_bare(function: LambdaFunction) -> Any:
    """The bare app's read."""
    from tests.deploy.package.events import Door

    answer = Door(function, ["/read"], "login.example.com").send("GET", "/read")
    if answer.status != 200:
        raise RuntimeError(f"the bare app answered {answer.status}: {answer.body}")
    return answer
