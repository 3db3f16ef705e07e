"""CPU time of this process, and the middle of many."""

import gc
import statistics
import time
from collections.abc import Callable, Iterable


class Meter:
    """Adds up the CPU time of the blocks that it encloses, all threads of this process, in microseconds."""

    def __init__(self) -> None:
        self.microseconds = 0.0
        self._began = 0

    def __enter__(self) -> "Meter":
        self._began = time.process_time_ns()
        return self

    def __exit__(self, *_: object) -> None:
        self.microseconds += (time.process_time_ns() - self._began) / 1000


def each(act: Callable[[], object], times: int) -> float:
    """CPU microseconds of one call: the median of nine runs of `times` calls."""
    act()
    runs = []
    for _ in range(9):
        gc.collect()
        with Meter() as meter:
            for _ in range(times):
                act()
        runs.append(meter.microseconds / times)
    return statistics.median(runs)


def middle(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def share(values: Iterable[float], below: float) -> float:
    """The value below which so large a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(below * len(ordered)))]
