"""Ending cleanly: Ctrl-C and SIGTERM end a command of the local stack with exit code 0, at any moment of its life."""

import json
import os
import select
import signal
from typing import Any


class StopSignal:
    """Catches SIGINT and SIGTERM from its making on, so that one during start-up counts too; main thread only.

    The wake-up pipe is written by the interpreter's own C handler. A Python handler would not do: it runs between two
    bytecodes, and a signal that comes just before a blocking wait would be noticed only when that wait ends.
    """

    def __init__(self) -> None:
        self._asked, wake_up = os.pipe()
        os.set_blocking(wake_up, False)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: None)

    def wait(self, seconds: float | None = None) -> bool:
        """Block until asked to stop; true when that happened within the time."""
        return bool(select.select([self._asked], [], [], seconds)[0])

    def announce(self, places: dict[str, Any], *, as_json: bool) -> None:
        """Say that all is ready: one line of JSON for programs, one line of words for people."""
        if as_json:
            print(json.dumps({"ready": True, **places}), flush=True)
        else:
            print("ready: " + ", ".join(f"{name} {value}" for name, value in places.items()), flush=True)
