"""A revocation that dies anywhere, two apps at one account, duties that come late, twice or in another order."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from chalicelib.jobs.runner import run_due_jobs
from chalicelib.ports import StoreUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, provider_item_key
from chalicelib.vault.outbox import enqueue_revocation
from chalicelib.vault.revocation import revoke_connection
from chalicelib.vault.rules.revocation_results import result_of
from tests.kit.connection_scene import Scene
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.tokens import Session, change, read
from tests.kit.requirement import requirement

# duty, tombstone, index, items, consent, what came of it
STEPS = 6


def run_all(scene: Scene) -> None:
    """The schedule comes until nothing is due, each time in another process."""
    for _ in range(4):
        scene.clock.advance(61)
        scene.new_process()
        run_due_jobs(scene.stack.broker)


def ended(scene: Scene, session: Session) -> str:
    """The same user takes another app's connection back; what comes of it."""
    connection = read(scene.stack, connection_item_key(session.claims["connections"]["demo"]))
    tombstone = revoke_connection(scene.stack.broker, connection, scene.user_key())
    return "changed" if tombstone is None else result_of(tombstone)


@requirement("VLT-07", "GEN-13")
@pytest.mark.parametrize("mode", ["K", "C", "B", "A"])
@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("kind", ["ask", "app"])
def test_a_revocation_that_fails_anywhere_is_finished_or_has_not_begun(
    make_scene: Any, kind: str, step: int, mode: Any
) -> None:
    scene: Scene = make_scene(kind)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode=mode, first=step, times=3))
    with pytest.raises((ProcessDied, StoreUnavailable)):
        scene.end()
    scene.line.faulty = None
    began = scene.connection.status == "revoked"
    assert began == (step > 1 or (step == 1 and mode in "CA"))
    assert scene.asks() == ("not_connected" if began else "token")
    run_all(scene)
    assert scene.guards == [] and scene.jobs == []
    if not began:
        assert scene.asks() == "token"
        assert scene.end() == "revoked"
    assert scene.lives_at_provider() == [] and scene.connection.settled_at > 0
    assert set(scene.connection.endings.values()) == {"revoked"}
    scene.clock.advance(1)
    scene.sign_in_again()
    assert scene.asks() == "token", "no later sign-in waits for what nobody will do"


@requirement("VLT-07")
@pytest.mark.parametrize("step", range(2, STEPS))
def test_who_asks_again_finishes_what_an_earlier_request_began(make_scene: Any, step: int) -> None:
    scene: Scene = make_scene("ask")
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="K", first=step))
    with pytest.raises(ProcessDied):
        scene.end()
    scene.line.faulty = None
    assert scene.end() == "revoked" and scene.lives_at_provider() == []


@requirement("VLT-07")
def test_of_two_apps_that_end_their_access_one_after_the_other_the_last_ends_the_accounts_grant(
    make_scene: Any,
) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    assert scene.end() == "kept_shared" and other.exchange().status == 200
    assert ended(scene, other) == "revoked" and scene.lives_at_provider() == []
    assert set(scene.connection.endings.values()) == {"kept_shared"}


class Between:
    """Something happens before one call at the table."""

    def __init__(self, inner: Any, number: int, act: Callable[[], object]) -> None:
        self.inner, self.number, self.act = inner, number, act

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.number -= 1
        if self.number == -1:
            self.act()
        answer: dict[str, Any] = self.inner.call(operation, payload)
        return answer


@requirement("VLT-07")
@pytest.mark.parametrize("step", range(STEPS))
def test_of_two_apps_that_end_their_access_at_once_not_both_leave_it_to_the_other(make_scene: Any, step: int) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    said: list[str] = []
    scene.line.inner = Between(scene.stack.dynamodb, step, lambda: said.append(ended(scene, other)))
    said.append(scene.end())
    assert "revoked" in said and scene.lives_at_provider() == []


@requirement("VLT-07")
def test_a_call_that_was_put_off_is_not_made_once_another_app_lives_on_that_account(make_scene: Any) -> None:
    scene: Scene = make_scene("app")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    other = scene.other_app()
    scene.provider.faults.status = None
    run_all(scene)
    assert other.exchange().status == 200 and scene.lives_at_provider() != []
    assert set(scene.connection.endings.values()) == {"kept_shared"} and scene.connection.settled_at > 0


@requirement("VLT-07")
def test_another_users_connection_at_that_provider_counts_for_nothing(make_scene: Any) -> None:
    scene: Scene = make_scene("app")
    scene.other_app()
    for place in [
        connection_item_key(one.connection_id) for one in scene.stack.deployment.scan("CONNECTION#", Connection)
    ]:
        if place != connection_item_key(scene.connection_id):
            change(scene.stack, place, sub="0" * 32)
    assert scene.end() == "revoked"


@requirement("VLT-07")
def test_where_the_provider_offers_no_call_it_says_so(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.stack.deployment.delete(provider_item_key("demo"))
    assert scene.end() == "not_supported" and scene.lives_at_provider() != []


@requirement("VLT-07")
def test_a_call_that_is_given_up_stays_written_on_the_tombstone(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    assert set(scene.connection.endings.values()) == {"failed"}
    while scene.jobs:
        scene.clock.advance(6 * 3600)
        scene.run_jobs()
    assert set(scene.connection.endings.values()) == {"given_up"} and scene.connection.settled_at > 0
    scene.provider.faults.status = None
    assert scene.end() == "failed", "asking again gives the same answer"


@requirement("VLT-07")
@pytest.mark.parametrize("order", ["twice", "late", "reversed"])
def test_duties_that_come_twice_late_or_in_another_order_end_in_the_same_state(make_scene: Any, order: str) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    scene.provider.faults.status = None
    store, queue = scene.stack.broker.store, scene.stack.broker.queue
    duties = [*scene.jobs, *scene.guards]
    scene.clock.advance(61 if order == "twice" else 30 * 86400)
    if order == "reversed":
        for duty in duties:
            queue.delete(duty)
        for number, duty in enumerate(reversed(duties)):
            store.put_job(msgspec.structs.replace(duty, due_at=number))
    run_due_jobs(scene.stack.broker)
    for duty in duties * 2:
        store.put_job(duty)
        run_due_jobs(scene.stack.broker)
    assert scene.lives_at_provider() == [] and scene.jobs == scene.guards == []
    assert set(scene.connection.endings.values()) == {"revoked"} and scene.connection.settled_at > 0


@requirement("VLT-07")
def test_an_old_duty_touches_nothing_of_a_later_sign_in(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.end()
    (guard,) = scene.guards
    scene.clock.advance(1)
    scene.sign_in_again()
    lives = scene.lives_at_provider()
    run_all(scene)
    scene.stack.broker.store.put_job(guard)
    run_all(scene)
    assert scene.lives_at_provider() == lives and scene.connection.status == "active" and scene.asks() == "token"


@requirement("VLT-07", "GEN-13")
def test_the_duty_to_finish_is_not_done_before_its_request_must_be_over(make_scene: Any) -> None:
    """The schedule comes after the duty was written and before the tombstone: it would find nothing to finish."""
    scene: Scene = make_scene("ask")
    table = scene.stack.dynamodb

    def come_and_let_it_die() -> None:
        run_due_jobs(scene.stack.broker)
        scene.line.faulty = FaultyTransport(table, Fault(mode="K"))

    scene.line.inner = Between(table, 1, come_and_let_it_die)
    with pytest.raises(ProcessDied):
        scene.end()
    scene.line.faulty, scene.line.inner = None, table
    assert scene.connection.status == "revoked" and scene.lives_at_provider() != []
    run_all(scene)
    assert scene.lives_at_provider() == [] and set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-07")
def test_a_duty_for_other_tokens_says_nothing_of_those_that_failed(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    (settling,) = scene.jobs
    broker = scene.stack.broker
    enqueue_revocation(broker, scene.connection, scene.user_key(), (("another", "refresh_token"),))
    broker.queue.delete(settling)
    scene.provider.faults.status = None
    assert [one.outcome for one in scene.run_jobs()] == ["done"]
    assert set(scene.connection.endings.values()) == {"failed"} and scene.connection.settled_at == 0


@requirement("VLT-07")
def test_a_duty_of_an_earlier_revocation_says_nothing_of_a_later_one(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    (earlier,) = scene.jobs
    scene.clock.advance(1)
    scene.sign_in_again()
    assert scene.end() == "failed"
    (later,) = [job for job in scene.jobs if job != earlier]
    scene.stack.broker.queue.delete(later)
    scene.provider.faults.status = None
    assert [one.outcome for one in scene.run_jobs()] == ["done"]
    assert set(scene.connection.endings.values()) == {"failed"} and scene.connection.settled_at == 0
