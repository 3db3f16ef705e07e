"""One run has little time: no kind of duty waits for the slow calls of another."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.jobs.fair_order import interleave_fairly
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.job import Job
from chalicelib.records.sign_in import LogoutRecipient
from chalicelib.upstream.http import HttpRequest, HttpResponse
from tests.faults.endings.queued_job import duty
from tests.kit.connection_scene import Scene
from tests.kit.requirement import requirement

CALL_SECONDS = 3.0


class SlowApps:
    """Every app takes what it is told, and its time."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.told = 0

    def fetch(self, request: HttpRequest, **_: Any) -> HttpResponse:
        """One call."""
        self.told += 1
        self.scene.time_left.seconds -= CALL_SECONDS
        return HttpResponse(status=200)


@pytest.fixture
def scene(make_scene: Any) -> Scene:
    """Two tokens wait to be ended, and much that is older."""
    scene: Scene = make_scene("ask")
    scene.outside.inner = SlowApps(scene)
    for number in range(2):
        scene.stack.broker.store.put_job(duty(f"end {number}", scene.clock.now()))
    return scene


def leave(scene: Scene, name: str, *, apps: int) -> None:
    """A duty to tell so many apps, which came a minute before."""
    clients = [scene.stack.client(backchannel_logout_uri="https://slow.example/told")[0] for _ in range(apps)]
    told = tuple(LogoutRecipient(client.client_id, "somebody") for client in clients)
    now = scene.clock.now()
    fields = {"kind": "sign_out", "sid": "s", "told": told, "provider_id": "", "expires_at": now + 3600}
    scene.stack.broker.store.put_job(duty(name, now - 60, **fields))


def done(scene: Scene) -> list[str]:
    """The kinds of what one run has done, in its order."""
    return [one.job.kind for one in run_due_jobs(scene.stack.broker) if one.outcome == "done"]


@requirement("OUT-09", "F21")
def test_slow_apps_keep_no_token_from_being_ended(scene: Scene) -> None:
    for number in range(8):
        leave(scene, f"tell {number}", apps=1)
    assert done(scene) == ["sign_out", "revoke", "revoke", *["sign_out"] * 4]


@requirement("OUT-09", "OUT-06")
def test_one_sign_out_at_many_slow_apps_keeps_no_token_from_being_ended(scene: Scene) -> None:
    leave(scene, "tell", apps=8)
    assert done(scene)[:3] == ["sign_out", "revoke", "revoke"]
    for _ in range(4):
        scene.time_left.seconds = 25.0
        done(scene)
    assert scene.outside.inner.told == 8 and scene.jobs == []


@requirement("OUT-09")
def test_each_kind_of_duty_has_the_same_part_of_the_time_and_what_takes_none_comes_in_its_order() -> None:
    left = [100.0]

    def waiting(kind: str, count: int) -> Iterator[Job]:
        return (duty(f"{kind} {number}", number) for number in range(count))

    order = []
    for job in interleave_fairly((waiting("slow", 3), waiting("quick", 8), waiting("none", 0)), lambda: left[0]):
        order.append(job.job_id[0])
        left[0] -= 3.0 if order[-1] == "s" else 1.0
    assert order == [*"qsqqsqqqsqq"]
    alike = interleave_fairly((waiting("a", 3), waiting("b", 3)), lambda: 1.0)
    assert [job.job_id for job in alike] == ["a 0", "b 0", "a 1", "b 1", "a 2", "b 2"]
