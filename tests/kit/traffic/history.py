"""What was asked and answered, how long it took, and what may never be answered again.

The rules are those of a sequential model per code, grant and connection: a code brings tokens once; a refresh token
that was presented has one successor, and whoever presents it again inside the grace gets the same; what was answered
as ended is never taken again, at either process, after any kill; a hand-out is a token that the provider takes, of
the person who allowed it.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from tests.kit.http.browser import Answer

Kind = Literal["access", "refresh"]


class Violation(AssertionError):
    """Something was answered that may not be."""


@dataclass
class History:
    """Shared by all actors."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    handed_out: int = 0
    current: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, operation: str, answer: Answer | None, seconds: float) -> None:
        """One request; None where no answer came. Raises Violation for an answer that nobody may get."""
        status = "none" if answer is None else str(answer.status)
        with self._lock:
            self.answers[operation, status] += 1
            if answer is not None and answer.status < 500:
                self.took.setdefault(operation, []).append(seconds)
        if answer is not None and answer.status >= 500 and answer.status not in (502, 503):
            raise Violation(f"{operation}: {status}: {answer.body[:200]}")

    def note(self, what: str) -> None:
        """Something worth counting that is no violation."""
        with self._lock:
            self.notes[what] += 1

    def hand_out(self) -> None:
        """A provider's token, or a call with it, was answered for."""
        with self._lock:
            self.handed_out += 1

    def struck(self, fault: str) -> None:
        """One fault begins."""
        with self._lock:
            self.faults[fault] += 1
            self.current = f"{fault}, at {time.strftime('%H:%M:%S')}"

    def violated(self, what: str) -> None:
        """With the time, and at once, so that the logs can be looked at while it runs."""
        with self._lock:
            self.violations.append(f"{time.strftime('%H:%M:%S')} {what} (last fault: {self.current})")
            print(f"soak: {self.violations[-1]}", flush=True)

    @property
    def requests(self) -> int:
        """How many so far."""
        return sum(self.answers.values())


@dataclass
class Dead:
    """A token that was answered as ended; `since`, in words, how."""

    kind: Kind
    token: str
    since: str
