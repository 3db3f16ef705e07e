"""Shares one run among all threads of this process that need the same result at the same moment."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Flight:
    """A running call: the number of waiting threads, then its result."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.waiting = 0
        self.answer: Any = None
        self.error: BaseException | None = None


class SingleFlight:
    """Keeps no result: a caller that comes after the run starts a new one."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Flight] = {}
        self._lock = threading.Lock()

    def share(self, name: str, run: Callable[[], T]) -> T:
        """The first caller runs; the others wait for the same result or the same exception."""
        with self._lock:
            known = self._under_way.get(name)
            flight = self._under_way[name] = known or _Flight()
            flight.waiting += 1
        if known is None:
            return self._fly(name, flight, run)
        flight.landed.wait()
        if flight.error is not None:
            raise flight.error
        answer: T = flight.answer
        return answer

    def waiting(self, name: str) -> int:
        """The number of threads that share the running call."""
        with self._lock:
            flight = self._under_way.get(name)
            return 0 if flight is None else flight.waiting

    def _fly(self, name: str, flight: _Flight, run: Callable[[], T]) -> T:
        try:
            answer = flight.answer = run()
        except BaseException as error:
            flight.error = error  # the waiting threads must get it, whatever it is
            raise
        finally:
            with self._lock:
                del self._under_way[name]
            flight.landed.set()
        return answer
