"""Provider tokens in memory for a short time; threads that need the same token wait for one request."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

SIZE = 1024


@dataclass(frozen=True)
class ProviderToken:
    """A provider's own access token.

    scope        in the provider's names
    expires_at   epoch seconds; None if the provider names no expiry
    """

    access_token: str = field(repr=False)
    scope: str
    connection_id: str
    expires_at: float | None


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: ProviderToken | None = None
    until: float = 0


class TokenCache:
    """At most SIZE tokens; the least recently used one is dropped first. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def find(self, key: Hashable, request: Callable[[], tuple[ProviderToken, float]]) -> ProviderToken:
        """The token of a key, requested if there is none. `request` also returns for how many seconds to store it."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > SIZE:
                self._entries.popitem(last=False)
        with entry.lock:
            token, now = entry.token, self._clock()
            if token is None or now >= entry.until:
                entry.token = None
                token, seconds = request()
                entry.token, entry.until = token, now + seconds
            return token

    def forget(self, token: ProviderToken) -> None:
        """Request this token again at its next use."""
        with self._lock:
            for key in [key for key, entry in self._entries.items() if entry.token == token]:
                del self._entries[key]
