"""Keeps the last exchanges as they came, tells followers of each change, and knows which one a thread is answering."""

import itertools
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.live.exchange import AwsCall, Exchange, Headers, Lane, Message

KEPT = 400
MAX_BODY = 1 << 18
BEAT_SECONDS = 15.0


class Recorder:
    """Thread-safe. `run` names this one, so that a page notices that it follows another."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self._changed = threading.Condition()
        self._exchanges: dict[int, Exchange] = {}
        self._changes: dict[int, int] = {}
        self._order = itertools.count(1)
        self._numbers = itertools.count(1)
        self._now = threading.local()
        self._closed = False

    def begin(
        self,
        caller: Lane,
        callee: Lane,
        method: str,
        url: str,
        headers: Headers,
        *,
        body: bytes,
        party: str,
        attempt: str,
    ) -> Exchange:
        """A request has come.

        party     which provider, where one is concerned
        attempt   as in Exchange; where it is empty, that of an exchange which the caller is just answering counts
        """
        request = _take(headers, body)
        with self._changed:
            within = [one.attempt for one in self._exchanges.values() if one.callee == caller and not one.answered]
            exchange = Exchange(
                number=next(self._numbers),
                asked=next(self._order),
                caller=caller,
                callee=callee,
                party=party,
                method=method,
                url=url,
                request=request,
                attempt=attempt or (within[-1] if within else ""),
            )
            self._exchanges[exchange.number] = exchange
            while len(self._exchanges) > KEPT:
                self._changes.pop(oldest := next(iter(self._exchanges)), None)
                del self._exchanges[oldest]
            self._note(exchange)
        return exchange

    def end(self, exchange: Exchange, status: int, headers: Headers, body: bytes) -> None:
        """Its answer goes out; status 0: none does."""
        with self._changed:
            exchange.status, exchange.answered = status, next(self._order)
            exchange.answer = _take(headers, body)
            self._note(exchange)

    @contextmanager
    def answering(self, exchange: Exchange) -> Iterator[None]:
        """What this thread asks of AWS and writes into the log meanwhile belongs to it."""
        self._now.exchange = exchange
        try:
            yield
        finally:
            self._now.exchange = None

    def note_call(self, call: AwsCall) -> None:
        """Ignore a call that belongs to no request."""
        if exchange := getattr(self._now, "exchange", None):
            exchange.calls.append(call)

    def note_line(self, line: dict[str, Any]) -> None:
        """One line of the broker's log."""
        if exchange := getattr(self._now, "exchange", None):
            exchange.log.append(line)

    def find(self, number: int) -> Exchange | None:
        """One exchange."""
        with self._changed:
            return self._exchanges.get(number)

    def all(self) -> list[Exchange]:
        """In the order of their requests."""
        with self._changed:
            return list(self._exchanges.values())

    def forget(self) -> None:
        """Start with an empty recording; followers get a new `run`."""
        with self._changed:
            self.run = secrets.token_hex(4)
            self._numbers = itertools.count(1)
            self._exchanges.clear()
            self._changes.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Let every follower end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def follow(self) -> Iterator[tuple[str, list[Exchange]]]:
        """The run and its changes, first everything; an empty list at intervals while nothing happens."""
        run, seen = "", 0
        while not self._closed:
            with self._changed:
                if run == self.run and not self._newer(seen):
                    self._changed.wait(BEAT_SECONDS)
                if run != self.run:
                    run, seen = self.run, 0
                changed = self._newer(seen)
                seen = max([seen, *self._changes.values()])
            if not self._closed:
                yield run, changed

    def _newer(self, seen: int) -> list[Exchange]:
        found = sorted((at, number) for number, at in self._changes.items() if at > seen)
        return [self._exchanges[number] for _, number in found]

    def _note(self, exchange: Exchange) -> None:
        """Call with the lock held. Exchanges that were dropped meanwhile are not reported."""
        if self._exchanges.get(exchange.number) is exchange:
            self._changes[exchange.number] = max(exchange.asked, exchange.answered)
            self._changed.notify_all()


def _take(headers: Headers, body: bytes) -> Message:
    """A message as recorded; of a very long body only the start."""
    return Message(tuple((name.lower(), value) for name, value in headers), body[:MAX_BODY])
