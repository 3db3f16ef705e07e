"""The whole machine, and how it is played: so many examples of so many steps, the same ones for one seed."""

import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.concurrency.fuzz.devices import DeviceRules
from tests.concurrency.fuzz.ground import Bad
from tests.kit.faults import ProcessDied
from tests.kit.http.stack import Parts, start_parts

__all__ = ["Bad", "Machine"]


class Machine(DeviceRules):
    """Grants, connections and devices: every rule. For steps that somebody types it makes its own parts."""

    def __init__(
        self, parts: Parts | None = None, folder: Path | None = None, counts: Counter[str] | None = None
    ) -> None:
        own = folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
        super().__init__(parts or start_parts(), own, Counter[str]() if counts is None else counts)


def play(parts: Parts, counts: Counter[str], *, examples: int, steps: int, number: int | None = None) -> None:
    """Raises what an example broke, with its steps as a note.

    counts   is added to: "examples", "steps", and answers by status
    number   the seed; what is found is made as small as it gets. None: the same examples each time, as they are
    """
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=number is None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate] if number is None else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, quiet_deaths():

        def make() -> Machine:
            return Machine(parts, Path(folder), counts)

        run_state_machine_as_test(make if number is None else seed(number)(make), settings=chosen)  # type: ignore[arg-type]


@contextmanager
def quiet_deaths() -> Iterator[None]:
    """A process that was killed on purpose says nothing."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not issubclass(arguments.exc_type, ProcessDied):
            before(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
