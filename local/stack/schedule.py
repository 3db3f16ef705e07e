"""The local stack's clock: it does every few seconds what a function of its own does when deployed."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.ports import Broker

EVERY_SECONDS = 5.0
KEYS_EVERY = 12  # runs: once a minute


class LocalSchedule:
    """One thread that runs the due jobs until it is stopped. Several brokers on one table may each have one."""

    def __init__(self, broker: "Broker", *, every_seconds: float | None = None) -> None:
        self._broker = broker
        self._every = EVERY_SECONDS if every_seconds is None else every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="jobs")

    def start(self) -> "LocalSchedule":
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._stopped.set()
        self._thread.join(10)

    def _run(self) -> None:
        from chalicelib.routes.schedule import rotate_keys_once, run_once

        runs = 0
        while not self._stopped.wait(self._every):
            runs += 1
            try:
                run_once(self._broker)
                if runs % KEYS_EVERY == 0:
                    rotate_keys_once(self._broker)
            except Exception as error:  # noqa: BLE001 - the outermost frame of the thread: the next run tries again
                self._broker.log.event("jobs_failed", kind=type(error).__name__)
