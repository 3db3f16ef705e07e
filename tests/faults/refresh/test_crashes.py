"""A crash or a lost answer at each call of a refresh, for each kind of provider; and holders that freeze (F16, F17)."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults.refresh.refresh_crash import CALLS, KINDS, SAVED_WITHOUT_ANSWER, check_nothing_is_lost
from tests.kit.connection_scene import Frozen, Scene, die, in_parallel, lose
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def come_back(scene: Scene, within: int = 16) -> str:
    """The next caller, once the dead one's lease has ended."""
    scene.new_process()
    scene.clock.advance(within)
    return scene.asks()


@requirement("F16", "VLT-07")
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_each_call_costs_sixteen_seconds_at_most(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    for call, mode in itertools.product(CALLS, "BACK"):
        scene.expire()
        before = scene.outside.refreshes
        scene.crash(call, mode, times={"B": 99, "A": 3}.get(mode, 1))
        came, asked = come_back(scene), scene.outside.refreshes - before
        answer_was_lost = call == 2 and mode in "BK"
        if call >= 2 and not answer_was_lost:
            assert asked == 1, "what was received is finished, not asked for again"
        saved = not answer_was_lost or kind in SAVED_WITHOUT_ANSWER
        if call == 1 and mode in "AC" and kind == "ask":
            saved = False  # the lease was taken, and nobody knows whether the provider was asked
        check_nothing_is_lost(scene, came, saved=saved, case=(CALLS[call], mode))


@requirement("F16")
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_lost_at_the_provider_is_treated_by_its_profile(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    for how, carried_out in itertools.product((lose, die), (False, True)):
        scene.expire()
        setattr(scene.outside, "after" if carried_out else "before", how)
        assert scene.asks() in ("later", "nothing")
        came = come_back(scene)
        if came == "later":  # it backs off first
            assert scene.connection.status == "in_doubt"
            scene.clock.advance(scene.connection.retry_at - scene.clock.now())
            came = scene.asks()
        saved = kind == "static" or (kind == "once" and not carried_out)
        if kind in ("grace", "sibling"):  # backing off outlives the window
            saved = how is die or (kind == "grace" and not carried_out)
        check_nothing_is_lost(scene, came, saved=saved, case=(how.__name__, carried_out))


@requirement("F17", "VLT-07")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["before", "after"])
def test_a_holder_frozen_past_its_lease_heals_if_nobody_else_has_refreshed(make_scene: Any, kind: str, at: str) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    setattr(scene.outside, at, frozen)
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        scene.clock.advance(60)
        frozen.go.set()
        assert holder.result() == "token"
    check_nothing_is_lost(scene, scene.asks(), saved=True)
    assert scene.connection.token_generation >= 2


@requirement("F17", "VLT-07")
@pytest.mark.parametrize("kind", ["static", "grace", "sibling"])
def test_a_holder_frozen_past_its_lease_writes_nothing_if_somebody_has_refreshed(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        scene.clock.advance(16)
        assert scene.asks() == "token"
        newer, generation = scene.stored("access_token"), scene.connection.token_generation
        frozen.go.set()
        assert holder.result() == "token"
    assert (scene.stored("access_token"), scene.connection.token_generation) == (newer, generation)
    assert scene.asks() == "token" and scene.stored() in scene.lives_at_provider()


@requirement("F17")
@pytest.mark.parametrize("kind", ["once", "ask"])
def test_the_late_answer_of_a_frozen_holder_heals_a_connection_that_was_given_up(make_scene: Any, kind: str) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        scene.clock.advance(16)
        assert scene.asks() == "reauth_required" and scene.connection.status == "reauth_required"
        frozen.go.set()
        assert holder.result() == "token"
    assert scene.connection.status == "active" and scene.stored() in scene.lives_at_provider()


@requirement("F17", "VLT-07")
def test_a_holder_that_was_overtaken_leaves_its_answer_to_the_newer_one(make_scene: Any) -> None:
    """Two attempts of one generation, both answered: one token stays, and no other lives at the provider."""
    scene: Scene = make_scene("sibling")
    scene.expire()
    first, second = Frozen(), Frozen()
    scene.outside.after = first
    with ThreadPoolExecutor() as pool:
        old = in_parallel(scene.asks, first, pool)
        scene.clock.advance(16)
        scene.outside.after = second
        new = in_parallel(scene.asks, second, pool)
        first.go.set()
        scene.naps.meanwhile = second.go.set
        old_came = old.result()
        second.go.set()
        assert new.result() == "token" and old_came in ("token", "later")
    assert scene.connection.token_generation == 2
    assert scene.stored() in scene.lives_at_provider()
    scene.run_jobs()
    assert [job for job in scene.jobs if job.tries == 0] == []


@requirement("F16", "CB-12")
def test_a_recovery_item_that_does_not_open_is_set_aside_with_an_alarm(make_scene: Any) -> None:
    import msgspec

    scene: Scene = make_scene("static")
    scene.expire()
    scene.crash(3, "K")
    kept = scene.recovery
    assert kept is not None and kept.sealed
    from chalicelib.records.item_keys import recovery_item_key

    broken = kept.sealed[:-1] + bytes([kept.sealed[-1] ^ 1])
    scene.stack.deployment.put(recovery_item_key(scene.connection_id), msgspec.structs.replace(kept, sealed=broken))
    assert come_back(scene) == "token"
    assert "recovery_does_not_open" in scene.stack.log.getvalue()


@requirement("VLT-04")
def test_neither_the_table_nor_the_log_holds_a_token_of_the_provider(scene: Scene) -> None:
    seen = [scene.stored(), scene.stored("access_token")]
    scene.expire()
    scene.crash(3, "K")
    scene.clock.advance(16)
    assert scene.asks() == "token"
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    seen += [scene.stored(), scene.stored("access_token")]
    scene.end()
    assert scene.jobs
    dump = repr(scene.stack.deployment.dynamodb.call("Scan", {"TableName": scene.stack.settings.table}))
    assert not [token for token in seen if token in dump + scene.stack.log.getvalue()]


@requirement("F17")
def test_refused_in_doubt_an_answer_that_came_meanwhile_is_finished(make_scene: Any) -> None:
    """The frozen holder puts its answer between the second caller's read and the provider's refusal."""
    scene: Scene = make_scene("once")
    scene.expire()
    first, stops = Frozen(), Frozen()
    inner = scene.line.inner

    class StopsAfterItsPut:
        def call(self, operation: str, payload: Any) -> Any:
            answer = inner.call(operation, payload)
            if "RECOVERY#" in str(payload.get("Item", {}).get("pk")) and not stops.reached.is_set():
                stops()
            return answer

    def let_it_put() -> None:
        first.go.set()
        assert stops.reached.wait(30)

    scene.line.inner = StopsAfterItsPut()
    scene.outside.after = first
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, first, pool)
        scene.clock.advance(16)
        scene.outside.before = let_it_put
        assert scene.asks() == "token"
        assert scene.connection.token_generation == 2 and scene.stored() in scene.lives_at_provider()
        stops.go.set()
        assert holder.result() == "token"
