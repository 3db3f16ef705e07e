"""What is done with a connection whose token is asked for: every branch of the pure decision."""

import pytest
from msgspec.structs import replace

from chalicelib.providers.definition import RefreshRules, RevocationRules
from chalicelib.records.connection import Connection, Recovery
from chalicelib.upstream.http import HttpResponse
from chalicelib.upstream.refresh import read_retry_after
from chalicelib.vault.rules.journal_decision import Keep, Replace, decide_recovery
from chalicelib.vault.rules.refresh_decision import (
    Decision,
    Finish,
    Lease,
    Refuse,
    Serve,
    Wait,
    back_off,
    decide_refresh,
)
from tests.kit.requirement import requirement
from tests.unit.vault.refresh_cases import DEMO, DUE, GRACE, NOW, ONCE

STATIC = RefreshRules(kind="static", in_doubt="again")
ASK = RefreshRules(kind="rotating", in_doubt="ask", late_reuse="revoke")
HARSH = replace(GRACE, late_reuse="revoke")
AHEAD = replace(DUE, access_expires_at=NOW + 200, tokens_at=NOW - 3400)
ANSWER = Recovery(connection_id="c", generation=3, line=2, attempt=5)


def decide(connection: Connection, rules: RefreshRules = ONCE, recovery: Recovery | None = None) -> Decision:
    """The decision at an even second."""
    return decide_refresh(connection, recovery, replace(DEMO, refresh=rules), epoch=0, now=NOW)


@requirement("VLT-07")
@pytest.mark.parametrize(
    ("life", "left", "due"), [(3600, 300, True), (3600, 301, False), (600, 120, True), (600, 121, False)]
)
def test_the_margin_is_five_minutes_or_a_fifth_of_the_life(life: int, left: int, due: bool) -> None:
    connection = replace(DUE, access_expires_at=NOW + left, tokens_at=NOW + left - life)
    assert decide(connection) == (Lease(doubt="", lives=True) if due else Serve())


def test_a_token_without_an_end_is_never_due() -> None:
    assert decide(replace(DUE, access_expires_at=None)) == Serve()


@requirement("VLT-07")
def test_a_lease_lets_nobody_else_ask() -> None:
    leased = {"lease_owner": "o", "attempt_started": NOW - 15}
    assert decide(replace(DUE, lease_until=NOW, **leased)) == Wait()
    assert decide(replace(AHEAD, lease_until=NOW, **leased)) == Serve()
    assert decide(replace(DUE, lease_until=NOW - 1, **leased)) == Lease(doubt="once", lives=False)


@requirement("F16")
def test_an_answer_for_this_generation_is_always_finished_and_no_other() -> None:
    for status in ("active", "partial", "in_doubt", "reauth_required"):
        assert decide(replace(DUE, status=status), recovery=ANSWER) == Finish(ANSWER)
    for other in (replace(ANSWER, generation=2), replace(ANSWER, generation=4), replace(ANSWER, line=1)):
        assert decide(DUE, recovery=other) == Lease(doubt="", lives=False)


@requirement("VLT-08")
def test_without_a_refresh_token_or_after_a_refusal_the_user_is_asked() -> None:
    over = Refuse(reason="reauth_required")
    assert decide(replace(DUE, sealed_refresh_token=b"")) == over
    assert decide(DUE, RefreshRules(kind="none")) == over
    assert decide(replace(AHEAD, status="reauth_required")) == over
    assert decide(replace(AHEAD, sealed_refresh_token=b"")) == Serve()


@requirement("F16", "VLT-08")
@pytest.mark.parametrize(
    ("rules", "age", "doubt"),
    [
        (STATIC, 99, "again"), (ONCE, 99, "once"), (ASK, 99, "ask"),
        (GRACE, 29, "again"), (GRACE, 30, "once"), (HARSH, 29, "again"), (HARSH, 30, "ask"),
    ],
)  # fmt: skip
def test_in_doubt_the_profile_and_the_clock_decide(rules: RefreshRules, age: int, doubt: str) -> None:
    crashed = replace(DUE, attempt_started=NOW - 16, doubt_since=NOW - age)
    assert decide(crashed, rules) == Lease(doubt=doubt, lives=False)
    recorded = replace(DUE, status="in_doubt", doubt_since=NOW - age)
    assert decide(recorded, rules) == Lease(doubt=doubt, lives=False)


@requirement("VLT-08")
def test_a_connection_of_an_older_epoch_is_in_doubt() -> None:
    restored = replace(AHEAD, epoch=7)
    assert decide(restored, STATIC) == Lease(doubt="again", lives=False)
    assert decide(restored, ASK) == Lease(doubt="ask", lives=False)


@requirement("VLT-07")
def test_backing_off_serves_what_lives_and_says_when_else() -> None:
    assert decide(replace(DUE, retry_at=NOW + 7)) == Refuse(reason="provider_backing_off", retry_after=7)
    assert decide(replace(AHEAD, retry_at=NOW + 7)) == Serve()
    assert decide(replace(DUE, retry_at=NOW)) == Lease(doubt="", lives=False)
    assert [back_off(n, now=0, chance=0) for n in (1, 2, 3, 4, 9)] == [30, 120, 600, 3600, 3600]
    assert back_off(1, now=0, chance=255) == 37


@requirement("VLT-08", "F18")
def test_in_doubt_the_stored_access_token_is_not_handed_out_however_long_it_would_live() -> None:
    doubtful = replace(AHEAD, status="in_doubt", doubt_since=NOW - 20)
    for connection in (
        doubtful,
        replace(doubtful, access_expires_at=NOW + 3000),
        replace(doubtful, access_expires_at=None),
    ):
        for rules in (STATIC, ONCE, GRACE):
            assert isinstance(decide(connection, rules), Lease), connection
            assert decide(connection, rules).lives is False  # type: ignore[union-attr]
            backing_off = replace(connection, retry_at=NOW + 7)
            assert decide(backing_off, rules) == Refuse(reason="provider_backing_off", retry_after=7)
        assert decide(connection, ASK) == Lease(doubt="ask", lives=False)
        leased = replace(connection, lease_owner="o", lease_until=NOW + 9, attempt_started=NOW - 6)
        assert decide(leased) == Wait()
    assert decide(replace(AHEAD, retry_at=NOW + 7)) == Serve(), (
        "certain that it was not used: it goes on being handed out"
    )


@requirement("F18")
def test_three_tries_in_doubt_within_an_hour_are_the_most() -> None:
    tries = (NOW - 3599, NOW - 60, NOW - 30)
    tired = replace(DUE, status="in_doubt", doubt_tries=tries)
    assert decide(tired, STATIC) == Refuse(reason="provider_backing_off", retry_after=1)
    assert decide(replace(tired, doubt_tries=(NOW - 3600, *tries[1:])), STATIC) == Lease(doubt="again", lives=False)


@requirement("F16", "F17")
@pytest.mark.parametrize(
    ("found", "ends", "same", "choice"),
    [
        ({"generation": -1, "line": 9}, "token", False, Replace(must_revoke=False)),
        ({"generation": 2}, "token", False, Replace(must_revoke=False)),
        ({"attempt": 4}, "family", False, Replace(must_revoke=False)),
        ({"attempt": 4}, "token", False, Replace(must_revoke=True)),
        ({"attempt": 4}, "token", True, Replace(must_revoke=False)),
        ({"line": 1, "generation": 1}, "family", False, Replace(must_revoke=True)),
        ({"line": 1, "generation": 1}, "app", False, Replace(must_revoke=False)),
        ({"attempt": 6}, "family", False, Keep(must_revoke=False)),
        ({"attempt": 6}, "token", False, Keep(must_revoke=True)),
        ({"attempt": 6}, "token", True, Keep(must_revoke=False)),
        ({"generation": 4, "line": 4}, "family", False, Keep(must_revoke=True)),
        ({"generation": 4, "line": 4}, "app", False, Keep(must_revoke=False)),
    ],
)
def test_no_put_destroys_an_answer_that_still_lives(
    found: dict[str, int], ends: str, same: bool, choice: Replace | Keep
) -> None:
    definition = replace(DEMO, revocation=RevocationRules(kind="rfc7009", ends=ends))  # type: ignore[arg-type]
    assert decide_recovery(replace(ANSWER, **found), ANSWER, definition, same_token=same) == choice


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("90", NOW + 90), ("0", NOW), ("999999999", NOW + 86400), ("", 0), ("soon", 0), ("-1", 0), ("1e3", 0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", NOW + 60), ("Fri, 15 Jan 2027 07:59:00 GMT", 0), ("9" * 40, 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms_and_a_day_at_most(said: str, at: int) -> None:
    assert read_retry_after(HttpResponse(status=503, headers={"retry-after": said}), now=NOW) == at


ALIVE = replace(DUE, access_expires_at=NOW + 3000, tokens_at=NOW - 600)


def replaced(
    connection: Connection, rules: RefreshRules = ONCE, recovery: Recovery | None = None, *, refused: int = 3
) -> Decision:
    """The decision of a caller whose token of that generation the provider's API has refused."""
    definition = replace(DEMO, refresh=rules)
    return decide_refresh(connection, recovery, definition, epoch=0, now=NOW, refused=refused)


@requirement("PRX-05")
def test_a_refused_token_is_replaced_only_while_it_is_still_the_one_that_stands() -> None:
    assert replaced(ALIVE) == Lease(doubt="", lives=True, waits=True)
    assert replaced(ALIVE, refused=2) == Serve()
    assert replaced(replace(ALIVE, status="partial")) == Lease(doubt="", lives=True, waits=True)


@requirement("PRX-05", "VLT-07")
def test_who_was_refused_waits_for_the_holder_and_finishes_an_answer() -> None:
    leased = replace(ALIVE, lease_owner="o", lease_until=NOW, attempt_started=NOW - 1)
    assert replaced(leased) == Wait()
    assert replaced(ALIVE, recovery=ANSWER) == Finish(ANSWER)
    assert replaced(ALIVE, recovery=replace(ANSWER, line=1)) == Lease(doubt="", lives=True, waits=True)


@requirement("PRX-05")
@pytest.mark.parametrize(
    "fields",
    [
        {"sealed_refresh_token": b""}, {"status": "in_doubt"}, {"attempt_started": NOW - 20}, {"epoch": 1},
        {"retry_at": NOW + 1}, {"tokens_at": NOW - 59},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("rules", [STATIC, ONCE, ASK, GRACE])
def test_an_apis_word_alone_risks_nothing(rules: RefreshRules, fields: dict[str, object]) -> None:
    assert replaced(replace(ALIVE, **fields), rules) == Serve()


@requirement("PRX-05")
def test_without_a_way_to_refresh_the_token_stands_and_an_end_is_an_end() -> None:
    assert replaced(ALIVE, RefreshRules(kind="none")) == Serve()
    assert replaced(replace(ALIVE, status="reauth_required")) == Refuse(reason="reauth_required")
