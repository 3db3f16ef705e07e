"""Who does duties: what is listed in which order, one doer each, limited time, providers that do not answer."""

from collections import Counter
from itertools import chain
from typing import Any, get_args

import msgspec
import pytest

from chalicelib.encryption import seal_payload
from chalicelib.jobs.fair_order import interleave_fairly
from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.item_keys import provider_item_key
from chalicelib.records.job import JobKind
from tests.faults.endings.queued_job import duty
from tests.kit.connection_scene import Scene
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement


def calls_of(stack: Stack, act: Any) -> Counter[str]:
    """What went over the wire meanwhile."""
    with stack.dynamodb.counted() as calls:
        act()
    return calls


@requirement("F21")
def test_finding_nothing_costs_one_query_per_kind_and_what_is_not_due_is_not_read(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    broker, now = scene.stack.broker, scene.clock.now()
    broker.store.put_job(duty("later", now + 1))
    calls = calls_of(scene.stack, lambda: run_due_jobs(broker))
    assert calls == {"Query": len(get_args(JobKind))}
    scene.clock.advance(1)
    assert [one.job.job_id for one in run_due_jobs(broker)] == ["later"]
    assert scene.jobs == []


@requirement("F21")
def test_duties_of_all_kinds_come_in_the_order_of_their_time_over_any_number_of_pages(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    broker, now = scene.stack.broker, scene.clock.now()
    kinds = get_args(JobKind)
    large = b"x" * 250_000  # a page of the table's answer holds a megabyte
    for number in range(32):
        kind = kinds[number % len(kinds)]
        broker.store.put_job(duty(f"{number:02d}", now - number, kind=kind, sealed=large))
    with scene.stack.dynamodb.counted() as calls:
        listed = [job.job_id for job in interleave_fairly(broker.queue.list_due(now), lambda: 25.0)]
    assert listed == sorted(listed, reverse=True) and len(listed) == 32
    assert calls["Query"] > len(kinds)


@requirement("F21", "VLT-07")
def test_of_two_who_run_at_once_each_duty_has_one_doer(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    broker, now = scene.stack.broker, scene.clock.now()
    for number in range(3):
        broker.store.put_job(duty(str(number), now))
    listed = list(chain(*broker.queue.list_due(now)))
    assert broker.queue.claim(listed[0], now=now, until=now + 60)
    assert not broker.queue.claim(listed[0], now=now + 60, until=now + 120)
    assert [one.job.job_id for one in run_due_jobs(broker)] == ["1", "2"]
    assert not broker.queue.claim(listed[1], now=now, until=now + 60), "it is done"
    scene.clock.advance(61)
    assert [one.job.job_id for one in run_due_jobs(broker)] == ["0"], "its doer is dead"


@requirement("F21")
def test_a_claim_whose_answer_was_lost_is_ones_own(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    now = scene.clock.now()
    scene.stack.broker.store.put_job(duty("one", now))
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="A", operation="UpdateItem"))
    assert [one.outcome for one in run_due_jobs(scene.stack.broker)] == ["done"]
    assert scene.line.faulty.calls.count("UpdateItem") == 2


@requirement("F21")
def test_nothing_is_begun_that_may_not_end_in_time(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.stack.broker.store.put_job(duty("one", scene.clock.now()))
    scene.time_left.seconds = 11.9
    assert run_due_jobs(scene.stack.broker) == [] and len(scene.jobs) == 1
    scene.time_left.seconds = 12.0
    assert len(run_due_jobs(scene.stack.broker)) == 1


@requirement("VLT-07")
def test_a_provider_that_takes_no_calls_costs_a_run_three_and_the_rest_waits_untouched(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    (left,) = scene.jobs
    store = scene.stack.broker.store
    for number in range(4):
        store.put_job(msgspec.structs.replace(left, due_at=left.due_at - number - 1))
    store.put_job(duty("of another", left.due_at, provider_id="another"))
    outcomes = [(one.job.provider_id, one.outcome) for one in run_due_jobs(scene.stack.broker)]
    assert outcomes == [("demo", "later")] * 3 + [("another", "done")]
    assert sorted(job.tries for job in scene.jobs)[:2] == [0, 0]


@requirement("VLT-07", "GEN-13")
@pytest.mark.parametrize("broken", ["shape", "seal", "our_secret", "no_record"])
def test_a_duty_that_cannot_be_done_holds_up_no_other(make_scene: Any, broken: str) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    scene.provider.faults.status = None
    (left,) = scene.jobs
    store = scene.stack.broker.store
    if broken == "our_secret":
        change(scene.stack, provider_item_key("demo"), sealed_secret=b"broken")
    elif broken == "no_record":
        scene.stack.deployment.delete(provider_item_key("demo"))
    else:
        sealed = seal_payload(scene.user_key(), b"what another version wrote", job=left, salt=b"s" * 32)
        store.put_job(msgspec.structs.replace(left, sealed=sealed if broken == "shape" else b"broken"))
    store.put_job(duty("of another", left.due_at + 1, provider_id="another"))
    scene.clock.advance(1)
    outcomes = [(one.job.provider_id, one.outcome) for one in run_due_jobs(scene.stack.broker)]
    assert outcomes == [("demo", "later"), ("another", "done")]
    assert [job.tries for job in scene.jobs] == [1], "it is tried again"


@requirement("VLT-07", "GEN-13")
@pytest.mark.parametrize("mode", ["K", "C"])
def test_a_duty_that_is_put_off_is_there_whenever_its_doer_dies(make_scene: Any, mode: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode=mode, operation="DeleteItem"))
    with pytest.raises(ProcessDied):
        scene.run_jobs()
    scene.line.faulty, scene.provider.faults.status = None, None
    scene.clock.advance(121)
    scene.new_process()
    assert "done" in [one.outcome for one in scene.run_jobs()] and scene.lives_at_provider() == []
