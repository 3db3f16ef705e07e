"""Two requests at once, of which one goes on at a time: from one of its calls at the table to its next, as an order
says. So what came of it can be had again, and made smaller."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, repeat
from queue import Empty, Queue
from threading import Event, get_ident
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
BLOCKED_SECONDS = 0.5
"""Who neither calls nor ends within that waits for the other, at a lock of the process."""
State = Literal["new", "goes on", "waits", "has ended"]


class Turns(Generic[T]):
    """order   who goes on whenever both could: the first (False) or the second"""

    def __init__(self, order: Sequence[bool]) -> None:
        self._order = chain(map(int, order), repeat(0))
        self._news: Queue[tuple[int, State]] = Queue()
        self._states: list[State] = ["new", "new"]
        self._go = (Event(), Event())
        self._seats: dict[int, int] = {}
        self._moving = 0

    def pause(self) -> None:
        """Called ahead of every call at the table, in the thread of a request; a thread that is new is the one that has
        just been let go."""
        seat = self._seats.setdefault(get_ident(), self._moving)
        self._go[seat].clear()
        self._news.put((seat, "waits"))
        assert self._go[seat].wait(30)

    def play(self, first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
        """Both answers."""
        with ThreadPoolExecutor(2) as pool:
            futures = [self._begin(pool, seat, ask) for seat, ask in enumerate((first, second))]
            while self._states != ["has ended", "has ended"]:
                waiting = [seat for seat in (0, 1) if self._states[seat] == "waits"]
                if waiting:
                    self._moving = waiting[next(self._order)] if len(waiting) > 1 else waiting[0]
                    self._states[self._moving] = "goes on"
                    self._go[self._moving].set()
                self._hear()
            return futures[0].result(), futures[1].result()

    def _begin(self, pool: ThreadPoolExecutor, seat: int, ask: Callable[[], T]) -> "Future[T]":
        self._moving, self._states[seat] = seat, "goes on"
        future = pool.submit(ask)
        future.add_done_callback(lambda _: self._news.put((seat, "has ended")))
        self._hear()
        return future

    def _hear(self) -> None:
        """Until who goes on has come to its next call, or to its end, or seems to wait for the other."""
        while True:
            try:
                seat, state = self._news.get(timeout=BLOCKED_SECONDS)
            except Empty:
                return
            self._states[seat] = state
            if seat == self._moving:
                return
