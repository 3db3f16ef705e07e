"""After the schedule nothing is alive at the provider that we say is over, whatever died, failed or was cancelled."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.jobs.runner import MAX_TRIES
from chalicelib.ports import StoreUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import job_key_item_key, provider_item_key
from chalicelib.records.job import Job
from tests.kit.connection_scene import Frozen, Scene, in_parallel
from tests.kit.faults import Fault, FaultyTransport, ProcessDied
from tests.kit.http.stack import SCOPE
from tests.kit.http.tokens import disable_client, read
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
# duty, tombstone, index, items, consent, the duty to call again, what came of it
STEPS = 7
ALL = SCOPE + " demo:notes:write"


def refuse_calls(scene: Scene, *, refuse: bool = True) -> None:
    """The provider takes no revocation."""
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503 if refuse else None


def come(scene: Scene, times: int = 4, seconds: int = 61) -> None:
    """The schedule comes, each time in another process."""
    for _ in range(times):
        scene.clock.advance(seconds)
        scene.new_process()
        scene.run_jobs()


def all_duties(scene: Scene) -> list[Job]:
    """Guards too."""
    found: list[Job] = scene.stack.deployment.scan("JOB#", Job)
    return found


def ended(scene: Scene) -> list[dict[str, Any]]:
    """What the app reads under GET /connections."""
    tokens = scene.session.refresh()
    access = tokens.json["access_token"] if tokens.status == 200 else scene.session.access
    if tokens.status == 200:
        scene.session.tokens = tokens.json
    rows: list[dict[str, Any]] = scene.stack.get("/connections", Authorization=f"Bearer {access}").json["ended"]
    return rows


@requirement("VLT-07", "GEN-13")
@pytest.mark.parametrize("mode", ["K", "C", "B"])
@pytest.mark.parametrize("step", range(STEPS))
def test_a_revocation_that_dies_while_the_provider_takes_no_calls_is_finished_later(
    make_scene: Any, step: int, mode: Any
) -> None:
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    scene.line.faulty = FaultyTransport(scene.stack.dynamodb, Fault(mode=mode, first=step, times=3))
    with pytest.raises((ProcessDied, StoreUnavailable)):
        scene.end()
    scene.line.faulty = None
    began = scene.connection.status == "revoked"
    come(scene, 2)
    if began:
        assert "revoked" not in scene.connection.endings.values(), "nobody says what is not so"
        assert scene.lives_at_provider() != [] and all_duties(scene) != []
    refuse_calls(scene, refuse=False)
    come(scene, 3, 6 * 3600)
    assert all_duties(scene) == []
    assert (scene.lives_at_provider() == []) == began
    assert not began or set(scene.connection.endings.values()) == {"revoked"}


@requirement("VLT-07")
def test_the_list_says_what_is_still_alive_and_since_when_until_it_is_over(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    scene.end()
    (row,) = ended(scene)
    assert row["revoked_at"] == scene.clock.now() == scene.connection.revoked_at
    assert (row["status"], row["at_provider"]) == ("revoked", "failed")
    tries, since = 0, row["revoked_at"]
    while scene.jobs:
        tries += len(scene.run_jobs())
        scene.clock.advance(6 * 3600)
        (row,) = ended(scene)
        assert (row["at_provider"], row["revoked_at"]) == ("failed", since)
    assert tries == MAX_TRIES
    assert "several tries" in row["tokens"][0]["reason"], "given up, and said to be"


@requirement("VLT-07")
def test_once_a_later_call_worked_the_list_is_silent(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    refuse_calls(scene)
    scene.end()
    refuse_calls(scene, refuse=False)
    come(scene)
    assert ended(scene) == [] and scene.lives_at_provider() == []


@requirement("VLT-07", "VLT-11")
@pytest.mark.parametrize("kind", ["once", "ask", "grace", "sibling"])
def test_what_a_refresh_brings_to_a_tombstone_is_ended_though_the_provider_takes_no_calls_then(
    make_scene: Any, kind: str
) -> None:
    scene: Scene = make_scene(kind)
    scene.expire()
    frozen = Frozen()
    scene.outside.after = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        refuse_calls(scene)
        assert scene.end() == "failed", "the worst of it: a call failed, and a refresh is running"
        frozen.go.set()
        assert holder.result() in ("not_connected", "later", "reauth_required")
    assert scene.lives_at_provider() != []
    come(scene, 2)
    refuse_calls(scene, refuse=False)
    come(scene, 3, 6 * 3600)
    assert scene.lives_at_provider() == [] and all_duties(scene) == []
    assert set(scene.connection.endings.values()) == {"revoked"}


@requirement("CB-11", "VLT-07")
def test_cancelled_after_a_partial_grant_what_was_given_is_ended_when_the_provider_takes_calls_again(
    make_scene: Any,
) -> None:
    scene: Scene = make_scene("ask")
    scene.provider.grants.families.clear()
    scene.provider.faults.fewer_scopes = frozenset({"notes:write"})
    client, _ = scene.stack.client(scopes=frozenset(ALL.split()), optional_scopes=frozenset({"email"}))
    sign_in = scene.stack.sign_in(client, scope=ALL)
    refuse_calls(scene)
    answer = scene.stack.decide(sign_in.browser, sign_in.answer, "cancel")
    assert answer.answered["error"] == "access_denied" and scene.lives_at_provider() != []
    refuse_calls(scene, refuse=False)
    come(scene)
    assert scene.lives_at_provider() == [] and all_duties(scene) == []


@requirement("CB-11", "VLT-07")
@pytest.mark.parametrize("kind", ["ask", "sibling"])
def test_what_a_refused_sign_in_brought_is_ended_by_a_duty_where_the_provider_takes_no_call(
    make_scene: Any, kind: str
) -> None:
    """The app is switched off while its user is at the provider: nothing is kept here, so nothing may live there."""
    scene: Scene = make_scene(kind)
    scene.provider.grants.families.clear()
    client, secret = scene.stack.client()
    sign_in = scene.stack.to_callback(client, secret, who="bob")
    disable_client(scene.stack, client)
    refuse_calls(scene)
    scene.new_process()
    assert "code" not in sign_in.browser.get(sign_in.callback).answered
    (duty,) = all_duties(scene)
    assert duty.kind == "return" and duty.connection_id == "" and scene.lives_at_provider() != []
    dump = repr(scene.stack.deployment.dynamodb.call("Scan", {"TableName": scene.stack.settings.table}))
    assert not [token for token in scene.lives_at_provider() if token in dump + scene.stack.log.getvalue()]
    assert scene.run_jobs()[0].outcome == "later"
    refuse_calls(scene, refuse=False)
    record = read(scene.stack, provider_item_key("demo"))
    scene.stack.deployment.delete(provider_item_key("demo"))
    scene.clock.advance(61)
    assert [one.outcome for one in scene.run_jobs()] == ["later"], "the provider may come back"
    scene.stack.deployment.put(provider_item_key("demo"), record)
    scene.clock.advance(180)
    come(scene)
    assert scene.lives_at_provider() == [] and all_duties(scene) == []


@requirement("VLT-07")
def test_a_duty_of_a_refused_sign_in_ends_with_its_key(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    client, secret = scene.stack.client()
    sign_in = scene.stack.to_callback(client, secret, who="bob")
    disable_client(scene.stack, client)
    refuse_calls(scene)
    sign_in.browser.get(sign_in.callback)
    (duty,) = all_duties(scene)
    refuse_calls(scene, refuse=False)
    assert duty.expires_at == read(scene.stack, job_key_item_key(duty.job_id)).expires_at
    scene.clock.advance(7 * 86400)
    assert [one.outcome for one in scene.run_jobs()] == ["given_up"] and all_duties(scene) == []


@requirement("VLT-07")
def test_a_partial_connection_that_nobody_decides_about_is_ended_with_the_idle_ones(make_scene: Any) -> None:
    from chalicelib.vault.unused_connections import DAY, revoke_unused_connections

    scene: Scene = make_scene("ask")
    scene.provider.grants.families.clear()
    scene.provider.faults.fewer_scopes = frozenset({"notes:write"})
    client, _ = scene.stack.client(scopes=frozenset(ALL.split()), optional_scopes=frozenset({"email"}))
    scene.stack.sign_in(client, scope=ALL)
    (left,) = [one for one in scene.stack.deployment.scan("CONNECTION#", Connection) if one.status == "partial"]
    for _ in range(2):
        scene.clock.advance(31 * DAY)
        gone = revoke_unused_connections(scene.stack.broker)
    assert left.connection_id in [one.connection_id for one in gone] and scene.lives_at_provider() == []
