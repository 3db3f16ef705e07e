"""One caller refreshes, and what everybody gets (VLT-07, VLT-08, VLT-11)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.encryption import open_profile
from chalicelib.records.item_keys import client_item_key, grant_item_key, provider_item_key, subject_item_key
from chalicelib.upstream.http import HttpResponse
from tests.faults.refresh.call_count import calls_of
from tests.kit.connection_scene import Frozen, Scene, die, in_parallel, lose
from tests.kit.http.tokens import audits, change, mark, refusal
from tests.kit.requirement import requirement

REFRESH = ["BatchGetItem", "UpdateItem", "PutItem", "UpdateItem", "BatchGetItem", "PutItem"]
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@requirement("VLT-07", "BUDGET")
def test_a_fresh_token_is_handed_out_in_two_calls_and_an_expired_one_in_six(scene: Scene) -> None:
    assert calls_of(scene, scene.asks) == ("token", ["BatchGetItem", "PutItem"], 0)
    scene.expire()
    assert calls_of(scene, scene.asks) == ("token", REFRESH, 0)
    assert scene.outside.refreshes == 1 and scene.outside.seconds == [8.0]
    assert scene.connection.token_generation == 2 and scene.connection.status == "active"
    assert calls_of(scene, scene.asks) == ("token", ["BatchGetItem", "PutItem"], 0)


@requirement("VLT-08", "REF-09", "BUDGET")
def test_refused_by_the_provider_costs_three_calls_and_asks_for_the_user(scene: Scene) -> None:
    scene.expire()
    scene.provider.faults.token_error = "invalid_grant"
    answer, operations, kms = calls_of(scene, scene.exchange)
    assert refusal(answer) == (400, "invalid_grant") and answer.json["reason"] == "reauth_required"
    assert (operations, kms) == (["BatchGetItem", "UpdateItem", "UpdateItem"], 0)
    assert scene.connection.status == "reauth_required" and scene.connection.token_generation == 1
    scene.provider.faults.token_error = None
    assert scene.asks() == "reauth_required" and scene.outside.refreshes == 1
    assert audits(scene.stack) == []


@requirement("CB-12")
def test_what_an_answer_does_not_bring_is_kept_and_the_spent_token_too(scene: Scene) -> None:
    profile = open_profile(scene.user_key(), scene.connection)
    first, access = scene.stored(), scene.stored("access_token")
    scene.expire()
    assert scene.asks() == "token"
    second = scene.stored()
    assert second != first and scene.stored("access_token") != access and scene.stored("previous") == first
    assert open_profile(scene.user_key(), scene.connection) == profile != {}
    scene.expire()
    scene.provider.faults.drop_refresh_token = True
    assert scene.asks() == "token"
    assert scene.stored() == second and scene.stored("previous") == ""
    assert scene.session.userinfo().json["name"] or scene.session.refresh()


@requirement("VLT-07")
@pytest.mark.parametrize(("age", "refreshes"), [(95, 0), (96, 1), (109, 1)])
def test_the_margin_is_a_fifth_of_a_short_life(scene: Scene, age: int, refreshes: int) -> None:
    scene.age(age)
    assert scene.asks() == "token" and scene.outside.refreshes == refreshes


@requirement("VLT-07")
def test_inside_the_margin_one_refreshes_while_the_rest_use_the_valid_token(scene: Scene) -> None:
    scene.age(100)
    old, frozen = scene.stored("access_token"), Frozen()
    scene.outside.before = frozen
    with ThreadPoolExecutor() as pool:
        ahead = in_parallel(scene.asks, frozen, pool)
        assert scene.exchange().json["access_token"] == old
        came, operations, _ = calls_of(scene, scene.asks)
        assert (came, operations) == ("token", ["BatchGetItem", "PutItem"])
        frozen.go.set()
        assert ahead.result() == "token"
    assert scene.outside.refreshes == 1 and scene.naps.taken == []
    assert scene.exchange().json["access_token"] == scene.stored("access_token") != old


@requirement("VLT-07")
def test_who_finds_the_lease_taken_waits_and_gets_the_new_token(scene: Scene) -> None:
    scene.expire()
    frozen = Frozen()
    scene.outside.before = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)

        def finish() -> None:
            frozen.go.set()
            holder.result()

        scene.naps.meanwhile = finish
        before = len(scene.stack.dynamodb.calls)
        assert scene.asks() == "token" and holder.result() == "token"
    assert scene.outside.refreshes == 1 and scene.naps.taken == [0.1]
    operations = [operation for operation, _ in scene.stack.dynamodb.calls[before:]]
    assert operations.count("BatchGetItem") == 3, (
        "one look of the loser, another after its pause, and the holder's last"
    )


@requirement("VLT-07")
def test_who_waits_five_seconds_in_vain_is_told_when_to_come_again(scene: Scene) -> None:
    scene.expire()
    frozen = Frozen()
    scene.outside.before = frozen
    with ThreadPoolExecutor() as pool:
        holder = in_parallel(scene.asks, frozen, pool)
        answer = scene.exchange()
        assert refusal(answer) == (503, "temporarily_unavailable") and answer.header("retry-after") == "1"
        assert sum(scene.naps.taken) == 5.0
        frozen.go.set()
        assert holder.result() == "token"


@requirement("VLT-07")
@pytest.mark.parametrize("alive", [True, False])
def test_who_reads_before_the_lease_and_comes_too_late_never_asks_the_provider(scene: Scene, alive: bool) -> None:
    scene.age(100 if alive else 121)
    frozen = Frozen()
    inner = scene.line.inner

    class Slow:
        def call(self, operation: str, payload: Any) -> Any:
            if operation == "UpdateItem" and not frozen.reached.is_set():
                frozen()
            return inner.call(operation, payload)

    scene.line.inner = Slow()
    with ThreadPoolExecutor() as pool:
        late = in_parallel(scene.asks, frozen, pool)
        assert scene.asks() == "token"
        before = len(scene.stack.dynamodb.calls)
        frozen.go.set()
        assert late.result() == "token"
    assert scene.outside.refreshes == 1
    assert [operation for operation, _ in scene.stack.dynamodb.calls[before:]] == [
        "UpdateItem", "BatchGetItem", "PutItem",
    ]  # fmt: skip


@requirement("VLT-07", "F15")
def test_who_reads_before_an_attempt_that_fails_does_not_begin_another_on_that_old_read(make_scene: Any) -> None:
    """It knows nothing of the doubt and of the pause that the failure left behind."""
    scene: Scene = make_scene("once")
    scene.expire()
    frozen, inner = Frozen(), scene.line.inner

    class Slow:
        def call(self, operation: str, payload: Any) -> Any:
            if operation == "UpdateItem" and not frozen.reached.is_set():
                frozen()
            return inner.call(operation, payload)

    scene.line.inner = Slow()
    with ThreadPoolExecutor() as pool:
        late = in_parallel(scene.asks, frozen, pool)
        scene.outside.after = lose
        assert scene.asks() == "later" and scene.connection.status == "in_doubt"
        frozen.go.set()
        assert late.result() == "later"
    assert scene.outside.refreshes == 1 and scene.connection.attempt == 1


@requirement("VLT-11")
@pytest.mark.parametrize("what", ["grant", "consent", "client", "subject", "provider"])
def test_a_mark_set_while_the_provider_is_asked_ends_the_hand_out(scene: Scene, what: str) -> None:
    stack, session = scene.stack, scene.session
    places = {
        "grant": grant_item_key(session.claims["grant_id"]),
        "consent": session.consent_place(),
        "client": client_item_key(session.client.client_id),
        "subject": subject_item_key(session.claims["sub"]),
        "provider": provider_item_key("demo"),
    }

    def end() -> None:
        if what == "grant":
            change(stack, places[what], status="revoked")
        else:
            mark(stack, places[what], disabled=True)

    scene.expire()
    scene.outside.after = end
    answer = scene.exchange()
    assert answer.status == 400 and audits(stack) == [], answer.body
    assert scene.connection.token_generation == 2, "what the provider gave is kept all the same"


@requirement("VLT-10", "VLT-11")
def test_a_refresh_that_brings_more_scopes_than_were_allowed_hands_out_nothing(scene: Scene) -> None:
    scene.expire()
    for family in scene.provider.grants.families:
        family.scopes |= {"notes:write"}
    assert scene.asks() == "more_than_allowed" and audits(scene.stack) == []


@requirement("F18")
def test_a_refresh_that_brings_fewer_scopes_says_what_is_missing(scene: Scene) -> None:
    scene.expire()
    for family in scene.provider.grants.families:
        family.scopes -= {"notes:read"}
    answer = scene.exchange()
    assert answer.status == 200 and "notes:read" not in answer.json["scope"]
    assert scene.connection.status == "partial"
    asked = scene.session.exchange(scope="notes:read")
    assert refusal(asked) == (400, "invalid_scope") and asked.json["missing_scopes"] == ["notes:read"]


@requirement("VLT-07")
def test_nothing_is_begun_with_too_little_time_left(scene: Scene) -> None:
    scene.expire()
    scene.time_left.seconds = 11.9
    answer = scene.exchange()
    assert answer.status == 503 and answer.header("retry-after") == "1"
    assert scene.outside.refreshes == 0 and scene.connection.attempt == 0
    scene.time_left.seconds = 12
    assert scene.asks() == "token"


@requirement("VLT-07")
def test_a_lease_that_grew_old_before_the_call_is_given_back(scene: Scene) -> None:
    scene.expire()
    inner = scene.line.inner

    class Slow:
        def call(self, operation: str, payload: Any) -> Any:
            answer = inner.call(operation, payload)
            if "lease_until = :until" in str(payload.get("UpdateExpression")):
                scene.clock.advance(7)
            return answer

    scene.line.inner = Slow()
    assert scene.asks() == "later" and scene.outside.refreshes == 0
    assert (scene.connection.attempt_started, scene.connection.lease_owner) == (0, "")
    scene.line.inner = inner
    assert scene.asks() == "token"


@requirement("VLT-07", "VLT-08")
def test_retry_after_is_honoured_and_failures_back_off(scene: Scene) -> None:
    scene.expire()
    scene.outside.instead = HttpResponse(status=429, headers={"retry-after": "90"})
    first = scene.exchange()
    assert first.status == 503 and first.header("retry-after") == "90"
    assert (scene.connection.status, scene.connection.doubt_since) == ("active", 0)
    scene.clock.advance(89)
    assert scene.asks() == "later" and scene.outside.refreshes == 1
    scene.outside.instead = HttpResponse(status=429)
    pauses = []
    for _ in range(4):
        scene.clock.advance(scene.connection.retry_at - scene.clock.now())
        assert scene.asks() == "later"
        pauses.append(scene.connection.retry_at - scene.clock.now())
    assert all(least <= pause <= least * 1.25 for least, pause in zip((120, 600, 3600, 3600), pauses, strict=True))
    scene.outside.instead = None
    scene.clock.advance(3600 * 2)
    scene.session.tokens = scene.session.refresh().json
    assert scene.asks() == "token" and scene.connection.failures == 0


@requirement("VLT-07")
def test_a_provider_that_fails_most_calls_is_left_alone_for_a_minute(scene: Scene) -> None:
    breaker, now = scene.stack.broker.breaker, scene.clock.now()
    for number in range(20):
        breaker.note("demo", worked=number % 2 == 0, now=now)
    scene.clock.advance(30)
    breaker.note("other", worked=True, now=now)
    scene.expire()
    breaker.note("demo", worked=False, now=scene.clock.now())
    answer = scene.exchange()
    assert answer.status == 503 and answer.header("retry-after") == "60" and scene.outside.refreshes == 0
    assert breaker.retry_at("other", scene.clock.now()) == 0
    scene.clock.advance(60)
    assert scene.asks() == "token"
    assert breaker.retry_at("demo", scene.clock.now()) == 0


@requirement("VLT-08")
def test_the_day_of_the_next_sign_in_is_forecast_from_the_providers_file(make_scene: Any) -> None:
    from tests.kit.connection_scene import PROFILES, Profile

    PROFILES["forecast"] = Profile(
        'kind = "static"\nin_doubt = "again"\nhard_expiry_seconds = 1000\nidle_expiry_seconds = 600',
        {"static_refresh": True},
    )
    scene = make_scene("forecast")
    started = scene.connection.connected_at
    assert scene.connection.reauth_by == started + 600
    scene.clock.advance(500)
    assert scene.asks() == "token"
    assert scene.connection.reauth_by == started + 1000


@requirement("VLT-07")
def test_a_token_that_is_over_at_once_is_asked_for_once_and_not_handed_out(scene: Scene) -> None:
    scene.expire()
    scene.provider.faults.expires_in = 0
    assert scene.asks() == "later" and scene.outside.refreshes == 1
    scene.provider.faults.expires_in = 3
    assert scene.asks() == "token" and scene.outside.refreshes == 2


@requirement("VLT-07", "GEN-13")
def test_a_dead_process_leaves_its_lease_for_fifteen_seconds(make_scene: Any) -> None:
    scene = make_scene("static")
    scene.expire()
    scene.outside.before = die
    assert scene.asks() == "nothing"
    assert scene.asks() == "later" and scene.outside.refreshes == 1
    scene.clock.advance(15)
    assert scene.asks() == "later"
    scene.clock.advance(1)
    assert scene.asks() == "token" and scene.outside.refreshes == 2


@requirement("F18", "VLT-08")
def test_a_token_that_a_lost_answer_may_have_ended_is_not_handed_out_while_it_backs_off(make_scene: Any) -> None:
    scene = make_scene("grace")
    scene.age(100)
    scene.outside.after = lose
    answer = scene.exchange()
    assert answer.status == 503 and scene.connection.status == "in_doubt"
    wait = scene.connection.retry_at - scene.clock.now()
    answer = scene.exchange()
    assert refusal(answer) == (503, "temporarily_unavailable") and answer.header("retry-after") == str(wait)
    assert audits(scene.stack) == [] and scene.outside.refreshes == 1


@requirement("F18", "VLT-08")
def test_a_token_that_certainly_was_not_used_is_handed_out_while_it_backs_off(make_scene: Any) -> None:
    scene = make_scene("grace")
    scene.age(100)
    scene.outside.instead = HttpResponse(status=429)
    assert scene.asks() == "later" and scene.connection.status == "active"
    assert scene.asks() == "token" and scene.outside.refreshes == 1


@requirement("F18", "VLT-08")
def test_in_doubt_three_tries_an_hour_are_the_most(make_scene: Any) -> None:
    scene = make_scene("once")
    scene.expire()
    tries = []
    for _ in range(60):
        scene.outside.before = lose
        before = scene.outside.refreshes
        assert scene.asks() == "later"
        if scene.outside.refreshes > before:
            tries.append(scene.clock.now())
        scene.clock.advance(60)
    in_doubt = tries[1:]
    assert len(in_doubt) == 3 and scene.connection.status == "in_doubt"
    scene.clock.advance(2 * 3600)
    scene.outside.before = None
    assert scene.asks() == "token"
    assert scene.connection.status == "active" and scene.connection.doubt_tries == ()
