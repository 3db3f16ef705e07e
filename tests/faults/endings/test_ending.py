"""Revoking and signing in while a refresh runs; duties that outlive their request."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from chalicelib.encryption import open_answer, seal_answer
from chalicelib.jobs.runner import MAX_TRIES
from chalicelib.records.item_keys import connection_item_key, recovery_item_key
from tests.kit.connection_scene import Frozen, Scene, die, in_parallel, lose
from tests.kit.http.browser import request
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@requirement("VLT-07", "VLT-11")
@pytest.mark.parametrize("kind", ["static", "once", "ask", "grace", "sibling"])
@pytest.mark.parametrize("at", ["before", "after"])
def test_revoked_in_the_middle_of_a_refresh_nothing_comes_back_and_nothing_lives_on(
    make_scene: Any, kind: str, at: str
) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    setattr(scene.outside, at, frozen)
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        assert scene.end() == ("revoked" if kind == "static" else "pending")
        frozen.go.set()
        assert holder.result() in ("not_connected", "later", "reauth_required")
    assert scene.connection.status == "revoked"
    scene.clock.advance(17)
    scene.run_jobs()
    assert scene.lives_at_provider() == [] and scene.jobs == []
    assert scene.asks() == "not_connected" and scene.connection.status == "revoked"


@requirement("VLT-07")
def test_the_answer_of_a_dead_holder_is_ended_by_the_job_that_waited_for_it(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    frozen = Frozen()
    inner = scene.line.inner

    class DiesBeforeItsCommit:
        def call(self, operation: str, payload: Any) -> Any:
            if "sealed_access_token = " in str(payload.get("UpdateExpression")):
                die()
            return inner.call(operation, payload)

    scene.outside.after = frozen
    scene.line.inner = DiesBeforeItsCommit()
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        assert scene.end() == "pending"
        frozen.go.set()
        assert holder.result() == "nothing"
    (job,) = scene.jobs
    assert job.kind == "open_attempt" and scene.lives_at_provider() != []
    assert scene.run_jobs() == [], "the lease may still be held"
    scene.clock.advance(17)
    (performed,) = scene.run_jobs()
    assert (performed.outcome, performed.found) == ("done", True)
    assert scene.lives_at_provider() == [] and scene.jobs == []
    assert scene.recovery is not None and scene.recovery.generation == -1 and scene.recovery.sealed == b""


@requirement("VLT-07", "VLT-11")
def test_the_job_that_waited_for_a_refresh_leaves_what_a_later_sign_in_was_renewed_to(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    assert scene.crash(2, "K") == "nothing" and scene.end() == "pending"
    scene.clock.advance(1)
    scene.sign_in_again()
    scene.expire()
    assert scene.asks() == "token"
    scene.clock.advance(17)
    assert [one.outcome for one in scene.run_jobs()] == ["done"] and scene.stored() in scene.lives_at_provider()
    scene.expire()
    assert scene.asks() == "token"


@requirement("VLT-07")
def test_an_answer_of_another_attempt_is_ended_and_the_one_that_was_open_stays_lost(make_scene: Any) -> None:
    """A holder whose lease ran out leaves its answer after another has begun, and that one dies."""
    scene: Scene = make_scene("once")
    scene.expire()
    scene.crash(3, "K")
    kept, place = scene.recovery, recovery_item_key(scene.connection_id)
    assert kept is not None
    change(scene.stack, scene.session.connection_place(), attempt=kept.attempt + 1)
    scene.stack.deployment.delete(place)
    assert scene.end() == "pending"
    scene.stack.deployment.put(place, kept)
    scene.clock.advance(17)
    (performed,) = scene.run_jobs()
    assert performed.outcome == "done" and not performed.found
    assert scene.connection.endings["running_refresh"] == "lost" and scene.lives_at_provider() == []


@requirement("VLT-07", "VLT-11")
def test_what_a_refresh_brings_to_a_tombstone_is_not_ended_by_a_call_that_ends_another_apps_access(
    make_scene: Any,
) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    scene.expire()
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        assert scene.end() == "kept_shared"
        frozen.go.set()
        assert holder.result() == "not_connected"
    alive = other.exchange()
    assert alive.status == 200 and scene.works(alive.json["access_token"]) and scene.lives_at_provider() != []


@requirement("VLT-07")
def test_a_lost_answer_is_remembered_and_never_called_revoked(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    scene.outside.after = lose
    assert scene.asks() == "later" and scene.connection.lost == 1
    assert scene.end() == "failed"


@requirement("VLT-07", "F16")
@pytest.mark.parametrize(("kind", "said"), [("sibling", "lost"), ("grace", None)])
def test_a_lost_answer_that_new_tokens_do_not_end_is_remembered_over_a_renewal(
    make_scene: Any, kind: str, said: str | None
) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    scene.outside.after = lose
    assert scene.asks() == "later" and scene.connection.lost == 1
    change(scene.stack, scene.session.connection_place(), retry_at=0)
    assert scene.asks() == "token"
    scene.end()
    assert scene.connection.endings.get("lost_answer") == said


@requirement("VLT-07")
def test_a_failed_call_is_repeated_by_a_job_until_it_works_and_given_up_in_the_end(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed"
    outcomes = []
    for _ in range(2):
        (performed,) = scene.run_jobs()
        outcomes.append(performed.outcome)
        assert scene.run_jobs() == []
        scene.clock.advance(6 * 3600)
    assert outcomes == ["later"] * 2 and scene.lives_at_provider() != []
    scene.provider.faults.status = None
    assert [performed.outcome for performed in scene.run_jobs()] == ["done"]
    assert scene.lives_at_provider() == [] and scene.jobs == [] and scene.connection.settled_at > 0
    scene.sign_in_again()
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.clock.advance(1)
    scene.end()
    outcomes = []
    while scene.jobs:
        outcomes += [performed.outcome for performed in scene.run_jobs()]
        scene.clock.advance(6 * 3600)
    assert outcomes == ["later"] * (MAX_TRIES - 1) + ["given_up"]


@requirement("VLT-07")
def test_a_duty_that_breaks_keeps_no_other_from_being_done(make_scene: Any) -> None:
    """What nobody foresaw, too: else the oldest duty would stand before all others for ever."""
    scene: Scene = make_scene("ask")
    other = scene.other_app()
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    request(scene.stack.netloc, "DELETE", "/connections", headers={"Authorization": f"Bearer {other.access}"})
    scene.provider.faults.status = None
    scene.clock.advance(3600)

    fetch = scene.outside.inner.fetch

    def break_once(*_: Any, **__: Any) -> None:
        scene.outside.inner.fetch = fetch
        raise KeyError("nobody foresaw this")

    scene.outside.inner.fetch = break_once
    assert sorted(performed.outcome for performed in scene.run_jobs()) == ["done", "later"]
    assert '"kind":"job_broken"' in scene.stack.log.getvalue().replace(": ", ":")
    assert "nobody foresaw" not in scene.stack.log.getvalue()


@requirement("VLT-07")
def test_a_job_may_come_twice(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    (job,) = scene.jobs
    scene.provider.faults.status = None
    first = scene.run_jobs()
    scene.stack.broker.store.put_job(job)
    second = scene.run_jobs()
    assert [one.outcome for one in first + second] == ["done", "done"] and scene.jobs == []


@requirement("CB-12", "VLT-07")
@pytest.mark.parametrize("kind", ["static", "once", "ask", "sibling"])
def test_a_fresh_sign_in_wins_over_a_running_refresh(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        scene.sign_in_again()
        signed, generation = scene.stored(), scene.connection.token_generation
        assert generation == 2 and scene.connection.lease_owner == ""
        frozen.go.set()
        assert holder.result() == "token"
    assert (scene.stored(), scene.connection.token_generation) == (signed, generation)
    scene.expire()
    assert scene.asks() == "token" and scene.connection.token_generation == 3
    scene.run_jobs()
    ours = scene.stored()
    if kind != "static":
        assert scene.lives_at_provider() == [ours], "what the refresh brought of the earlier sign-in is ended too"


@requirement("VLT-07")
def test_a_decision_older_than_the_revocation_never_undoes_it(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    again = scene.stack.to_callback(scene.session.client, browser=scene.stack.browser())
    assert scene.end() == "revoked"
    answer = again.browser.get(again.callback)
    assert "code" not in answer.answered and scene.connection.status == "revoked"
    assert scene.lives_at_provider() == [], "what it brought is ended as well"
    scene.clock.advance(1)
    scene.sign_in_again()
    assert scene.connection.status == "active" and scene.connection.token_generation == 2
    assert scene.connection.revoked_generation == 1 and scene.asks() == "token"


@requirement("VLT-07")
def test_where_one_call_ends_every_grant_of_ours_it_is_made_only_alone_and_before_the_next_sign_in(
    make_scene: Any,
) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    assert scene.end() == "kept_shared" and scene.lives_at_provider() != []
    assert other.exchange().status == 200
    scene.clock.advance(1)
    scene.sign_in_again()
    place = connection_item_key(other.claims["connections"]["demo"])
    change(scene.stack, place, status="revoked")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    assert scene.end() == "failed" and scene.connection.settled_at == 0
    scene.clock.advance(1)
    again = scene.stack.to_callback(scene.session.client, browser=scene.stack.browser())
    assert "code" not in again.browser.get(again.callback).answered, "the call that is still to come would end it"
    scene.provider.faults.status = None
    scene.run_jobs()
    assert scene.connection.settled_at > 0
    scene.clock.advance(1)
    scene.sign_in_again()
    assert scene.asks() == "token"


@requirement("VLT-07")
def test_the_recovery_item_of_a_later_sign_in_is_not_taken_by_an_older_revocation(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    scene.crash(3, "K")
    kept = scene.recovery
    assert kept is not None
    later, key, owner = msgspec.structs.replace(kept, generation=9), scene.user_key(), scene.connection
    sealed = seal_answer(key, open_answer(key, kept, owner=owner), recovery=later, owner=owner, salt=b"9" * 32)
    later = msgspec.structs.replace(later, sealed=sealed)
    scene.stack.deployment.put(recovery_item_key(scene.connection_id), later)
    scene.end()
    assert scene.recovery == later


@requirement("VLT-04")
def test_nothing_of_a_user_opens_once_the_users_key_is_gone(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    key = {"pk": {"S": f"USER#{scene.connection.sub}"}, "sk": {"S": "#"}}
    scene.stack.deployment.dynamodb.call("DeleteItem", {"TableName": scene.stack.settings.keys_table, "Key": key})
    assert [performed.outcome for performed in scene.run_jobs()] == ["later"]
