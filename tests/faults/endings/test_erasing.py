"""Erasing a user: what is ended first, what becomes unreadable, what duties may still do, and dying anywhere in it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest

from chalicelib.encryption import ErasureKeys, encryption_context_of, open_job_key, open_payload, open_value
from chalicelib.jobs.user_erasure import Erasure, erase_user
from chalicelib.ports import StoreUnavailable
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key, job_key_item_key, subject_item_key, user_key_item_key
from chalicelib.records.job import JobKind
from chalicelib.vault.outbox import LEFT_SECONDS
from chalicelib.vault.rules.revocation_results import is_alive_there, result_of
from tests.kit.connection_scene import Frozen, Scene, die, in_parallel
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.tokens import Session, change, read, refusal, start_session
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
STEPS = 27 + 2 * len(get_args(JobKind))  # duties are listed twice, by kind
FAILING = {"at": frozenset({"revoke"}), "status": 503}


def erase(scene: Scene, sub: str = "") -> Erasure:
    """As the operator does it."""
    found = erase_user(scene.stack.broker, sub or scene.session.claims["sub"])
    assert found is not None
    return found


def refuse_calls(scene: Scene, *, refuse: bool = True) -> None:
    """The provider takes no revocation."""
    scene.provider.faults.at, scene.provider.faults.status = FAILING["at"], FAILING["status"] if refuse else None


def opens(connection: Connection, key: Any) -> list[str]:
    """What of a row opens with a key."""
    found = []
    for name in ("access_token", "refresh_token", "previous", "profile"):
        try:
            open_value(key, getattr(connection, f"sealed_{name}"), name, place=encryption_context_of(connection))  # type: ignore[arg-type]
        except DecryptionFailed:
            continue
        found.append(name)
    return found


def key_of_duties(scene: Scene, sub: str) -> ErasureKeys:
    """What jobs may open."""
    left = read(scene.stack, job_key_item_key(sub))
    return ErasureKeys(
        versions={2: open_job_key(scene.stack.broker.keys.get("vault"), left)}, expires_at=left.expires_at
    )


def come(scene: Scene, times: int = 4) -> None:
    """The schedule comes, each time in another process."""
    for _ in range(times):
        scene.clock.advance(61)
        scene.new_process()
        scene.run_jobs()


@requirement("VLT-09")
def test_erasing_ends_every_apps_access_at_the_provider_and_then_the_key(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    other, bob = scene.other_app(), start_session(scene.stack, who="bob")
    sub, backup, key = scene.session.claims["sub"], scene.connection, scene.user_key()
    erasure = erase(scene)
    assert [result_of(one) for one in erasure.connections] == ["revoked", "revoked"] and erasure.ends_at == 0
    mine = {connection_item_key(s.claims["connections"]["demo"]) for s in (scene.session, other)}
    assert {connection_item_key(one.connection_id) for one in erasure.connections} == mine
    assert scene.lives_at_provider() == [bob_token(scene, bob)]
    assert read(scene.stack, user_key_item_key(sub)).sealed == b""
    assert not [name for one in erasure.connections for name in Connection.__struct_fields__ if secret_in(one, name)]
    assert opens(backup, key) == ["access_token", "refresh_token", "profile"], "only that key opens the backup"
    for session in (scene.session, other):
        assert refusal(session.exchange())[0] == 400 and session.userinfo().status == 401
        assert session.refresh().json["error"] == "invalid_grant"
    assert bob.exchange().status == 200
    come(scene, 2)
    assert scene.guards == [] and erase(scene).connections == erasure.connections, "again it says the same"


def bob_token(scene: Scene, bob: Session) -> str:
    """His refresh token at the provider."""
    (family,) = [f for f in scene.provider.grants.families if not f.revoked and f.refresh_token]
    assert bob.claims["sub"] != scene.session.claims["sub"]
    return str(family.refresh_token)


def secret_in(connection: Connection, name: str) -> bool:
    """Whether a field still holds something sealed."""
    return (name.startswith("sealed_") or name == "outgoing") and bool(getattr(connection, name))


@requirement("VLT-09")
def test_what_the_provider_does_not_take_is_ended_later_under_a_key_of_its_own(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    sub, key = scene.session.claims["sub"], scene.user_key()
    refuse_calls(scene)
    erasure = erase(scene)
    (tombstone,) = erasure.connections
    assert result_of(tombstone) == "failed" and is_alive_there(tombstone)
    assert erasure.ends_at == scene.clock.now() + LEFT_SECONDS
    (duty,) = scene.jobs
    assert duty.expires_at == erasure.ends_at and opens(tombstone, key) == []
    with pytest.raises(DecryptionFailed):
        open_payload(key, duty)
    assert open_payload(key_of_duties(scene, sub), duty)
    assert "profile" not in opens(tombstone, key_of_duties(scene, sub))
    refuse_calls(scene, refuse=False)
    come(scene)
    assert scene.lives_at_provider() == [] and scene.jobs == scene.guards == []
    assert set(scene.connection.endings.values()) == {"revoked"}
    again = erase(scene)
    assert again.ends_at == 0 and not secret_in(again.connections[0], "sealed_refresh_token")


@requirement("VLT-09")
def test_an_erasure_leaves_the_waiting_jobs_of_another_user_as_they_are(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    bob, sub = start_session(scene.stack, who="bob"), scene.session.claims["sub"]
    refuse_calls(scene)
    session, scene.connection_id = scene.session, bob.claims["connections"]["demo"]
    assert scene.end() == "failed"
    (bobs,) = scene.jobs
    scene.connection_id = session.claims["connections"]["demo"]
    erasure = erase(scene, sub)
    assert erasure.ends_at > 0 and bobs in scene.jobs and len(scene.jobs) == 2
    assert "vault_does_not_open" not in scene.stack.log.getvalue(), "no key of hers is tried on his"
    scene.clock.advance(LEFT_SECONDS + 1)
    refuse_calls(scene, refuse=False)
    scene.new_process()
    outcomes = {one.job.sub: one.outcome for one in scene.run_jobs()}
    assert outcomes == {sub: "given_up", bobs.sub: "done"}, "her jobs have an end, his have none"


@requirement("VLT-09")
def test_after_its_end_the_key_for_duties_opens_nothing_and_what_is_left_is_given_up(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    erase(scene)
    refuse_calls(scene, refuse=False)
    scene.clock.advance(LEFT_SECONDS)
    (performed,) = scene.run_jobs()
    assert performed.outcome == "given_up" and scene.jobs == []
    assert set(scene.connection.endings.values()) == {"given_up"} and scene.lives_at_provider() != []
    assert "revocation_given_up" in scene.stack.log.getvalue()


@requirement("VLT-09")
def test_an_answer_that_a_refresh_left_is_ended_though_its_user_is_erased(make_scene: Any) -> None:
    scene: Scene = make_scene("once")
    scene.expire()
    frozen, inner = Frozen(), scene.line.inner

    class DiesBeforeItsCommit:
        def call(self, operation: str, payload: Any) -> Any:
            if "sealed_access_token = " in str(payload.get("UpdateExpression")) and "owner" in str(payload):
                die()
            return inner.call(operation, payload)

    scene.outside.after = frozen
    scene.line.inner = DiesBeforeItsCommit()
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        assert scene.end() == "pending"
        frozen.go.set()
        assert holder.result() == "nothing"
    scene.line.inner = inner
    (tombstone,) = erase(scene).connections
    assert result_of(tombstone) == "pending" and scene.lives_at_provider() != []
    come(scene)
    assert scene.lives_at_provider() == [] and set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-09", "VLT-07")
def test_what_there_was_no_time_for_is_ended_whole_though_its_user_is_erased(make_scene: Any) -> None:
    """Replaced and spent tokens too, where each is ended for itself: all of it is sealed anew for the duty."""
    scene: Scene = make_scene("sibling")
    refuse_calls(scene)
    replaced = scene.stored()
    scene.sign_in_again()
    scene.expire()
    assert scene.asks() == "token" and len(scene.connection.outgoing) == 1
    held = {replaced, scene.stored(), scene.stored("previous"), scene.stored("access_token")}
    scene.time_left.seconds = 8
    assert erase(scene).ends_at > 0 and scene.connection.endings == {}
    scene.time_left.seconds = 25
    refuse_calls(scene, refuse=False)
    before = len(scene.provider.requests)
    come(scene)
    called = {one.form["token"] for one in scene.provider.requests[before:] if one.endpoint == "revoke"}
    assert called == held and len(held) == 4
    assert scene.lives_at_provider() == [] and set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-09")
def test_an_erasure_makes_so_many_calls_at_the_table(make_scene: Any) -> None:
    """So that the next test kills it at each."""
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    with scene.stack.dynamodb.counted() as calls:
        erase(scene)
    assert calls.total() == STEPS, calls


@requirement("VLT-09", "GEN-13")
@pytest.mark.parametrize("mode", ["K", "C"])
@pytest.mark.parametrize("step", range(STEPS))
def test_an_erasure_that_dies_anywhere_is_finished_by_the_same_command_again(
    make_scene: Any, step: int, mode: Any
) -> None:
    scene: Scene = make_scene("ask")
    key = scene.user_key()
    refuse_calls(scene)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode=mode, first=step))
    with contextlib.suppress(ProcessDied, StoreUnavailable):
        erase(scene)
    scene.line.faulty = None
    scene.clock.advance(61)
    scene.new_process()
    scene.run_jobs()
    erasure = erase(scene)
    assert read(scene.stack, user_key_item_key(scene.session.claims["sub"])).sealed == b""
    assert result_of(erasure.connections[0]) == "failed" and "lost" not in scene.connection.endings.values()
    assert opens(scene.connection, key) == []
    refuse_calls(scene, refuse=False)
    scene.clock.advance(6 * 3600)
    come(scene)
    assert scene.lives_at_provider() == [] and scene.jobs == scene.guards == []
    assert set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-09")
@pytest.mark.parametrize("step", range(13, STEPS))
def test_duties_go_on_while_an_erasure_is_half_done(make_scene: Any, step: int) -> None:
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode="C", first=step))
    with pytest.raises(ProcessDied):
        erase(scene)
    scene.line.faulty = None
    refuse_calls(scene, refuse=False)
    come(scene)
    assert scene.lives_at_provider() == [] and set(scene.connection.endings.values()) == {"revoked"}
    assert result_of(erase(scene).connections[0]) == "revoked"


@requirement("VLT-09")
def test_what_a_sign_in_writes_while_its_user_is_erased_does_not_live_on(make_scene: Any) -> None:
    """It was past every check when the erasure began, and lands after the look at all connections."""
    scene: Scene = make_scene("ask")
    other, sub, table = scene.other_app(), scene.session.claims["sub"], scene.stack.dynamodb
    change(scene.stack, other.connection_place(), sub="0" * 32)

    class LandsAfterTheKeyHasGone:
        def call(self, operation: str, payload: Any) -> Any:
            answer = table.call(operation, payload)
            if operation == "PutItem" and payload["TableName"] == scene.stack.settings.keys_table:
                change(scene.stack, other.connection_place(), sub=sub)
            return answer

    scene.line.inner = LandsAfterTheKeyHasGone()
    erasure = erase(scene)
    assert {one.status for one in erasure.connections} == {"revoked"} and len(erasure.connections) == 2
    assert read(scene.stack, other.connection_place()).status == "revoked"
    assert refusal(other.exchange())[0] == 400


@requirement("VLT-09")
def test_who_comes_back_is_somebody_else_and_may_be_erased_again(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    subs = [scene.session.claims["sub"]]
    for _ in range(2):
        before = scene.stack.to_callback(*scene.stack.client(), browser=scene.stack.browser())
        erase(scene, subs[-1])
        assert "code" not in before.browser.get(before.callback).answered, "it was decided before"
        scene.clock.advance(2)
        scene.session = start_session(scene.stack, client=(scene.session.client, None))
        subs.append(scene.session.claims["sub"])
        scene.connection_id = scene.session.claims["connections"]["demo"]
        assert scene.asks() == "token" and erase(scene, subs[0]) and scene.asks() == "token"
    assert len(set(subs)) == 3
    assert read(scene.stack, subject_item_key(subs[0])).erased == 2


@requirement("VLT-09")
def test_nobody_is_erased_who_was_never_here(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    assert erase_user(scene.stack.broker, "0" * 32) is None and scene.asks() == "token"
