"""Counts what goes over the wire to AWS, repeats included, at the same place where the faults strike."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chalicelib.adapters.aws.transport import Transport


class CountingTransport:
    """A transport that remembers every call: `calls` holds (operation, payload) in order."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try, counted before it is made."""
        with self._lock:
            self.calls.append((operation, payload))
        return self._inner.call(operation, payload)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The calls made inside the block, by operation; complete once the block has ended."""
        before, counter = len(self.calls), Counter[str]()
        yield counter
        counter.update(operation for operation, _ in self.calls[before:])
