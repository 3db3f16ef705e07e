"""The thread that does duties in the local stack."""

import threading
import time
from typing import Any

from chalicelib.records.job import Job
from local.stack.ports import bind
from local.stack.schedule import LocalSchedule
from local.stack.stack import broker_environ, start_broker


def wait_until(come: Any, seconds: float = 20) -> None:
    """However busy the machine is."""
    end = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_stack_does_what_is_due_by_itself_and_its_thread_ends_with_it(monkeypatch: Any) -> None:
    monkeypatch.setattr("local.stack.schedule.EVERY_SECONDS", 0.05)
    running = start_broker(broker_environ({"issuer": "http://127.0.0.1"}), listener=bind("127.0.0.1", 0))
    try:
        store = running.deployment.store
        store.put_job(
            Job(
                kind="end",
                job_id="of this test",
                due_at=0,
                connection_id="gone",
                sub="s",
                provider_id="demo",
                created_at=0,
            )
        )
        wait_until(lambda: "of this test" not in [job.job_id for job in running.deployment.scan("JOB#", Job)])
    finally:
        running.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "jobs"]


def test_a_run_that_fails_does_not_end_the_thread() -> None:
    runs, said = list[int](), list[str]()

    class Deadline:
        def begin(self) -> None:
            runs.append(1)
            raise OSError

    class Log:
        def event(self, name: str, **fields: object) -> None:
            said.append(f"{name} {fields}")

    broker: Any = type("Broken", (), {"deadline": Deadline(), "log": Log()})()
    schedule = LocalSchedule(broker, every_seconds=0.01).start()
    wait_until(lambda: len(runs) > 1)
    schedule.stop()
    assert said[0] == "jobs_failed {'kind': 'OSError'}"
