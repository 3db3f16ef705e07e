"""Ending cleanly: Ctrl-C and SIGTERM end a command of the local stack with exit code 0, at any moment of its life."""

import json
import os
import select
import signal
from types import FrameType
from typing import Any


class StopSignal:
    """Catches SIGINT and SIGTERM from its making on, so that one during start-up counts too; main thread only.

    The handler writes to a pipe: setting a threading.Event there can meet its own lock, held by the wait it interrupts.
    """

    def __init__(self) -> None:
        self._asked, self._ask_end = os.pipe()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def wait(self, seconds: float | None = None) -> bool:
        """Block until asked to stop; true when that happened within the time."""
        return bool(select.select([self._asked], [], [], seconds)[0])

    def announce(self, places: dict[str, Any], *, as_json: bool) -> None:
        """Say that all is ready: one line of JSON for programs, one line of words for people."""
        if as_json:
            print(json.dumps({"ready": True, **places}), flush=True)
        else:
            print("ready: " + ", ".join(f"{name} {value}" for name, value in places.items()), flush=True)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        os.write(self._ask_end, b"!")
