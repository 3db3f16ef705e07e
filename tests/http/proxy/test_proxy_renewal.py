"""A provider's API refuses a token that looks alive: one refresh for all who ask, one more call, for safe calls."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.records.connection import Connection
from chalicelib.vault.rules.refresh_decision import LEAST_AGE_SECONDS
from tests.kit.http.proxied import Asked, Proxied, Told
from tests.kit.http.tokens import Session, audits, change, mark, read, start_session
from tests.kit.requirement import requirement

NO = Told(status=401, body=b'{"message": "Bad credentials"}')


@pytest.fixture
def session(proxied: Proxied) -> Session:
    """Signed in long enough ago that a new token may be had; the old one has half a minute of its life left."""
    session = start_session(proxied.stack, handout="token")
    proxied.stack.clock.advance(LEAST_AGE_SECONDS)
    assert session.userinfo().status == 200  # keys and records are younger than their age again
    return session


def connection_of(proxied: Proxied, session: Session) -> Connection:
    return read(proxied.stack, session.connection_place())


def refuse_first(proxied: Proxied, then: Callable[[], Any] = lambda: None) -> None:
    """The API refuses the token that it sees first, and whatever is to happen meanwhile happens."""
    dead: list[str] = []

    def answer(asked: Asked) -> Told:
        if not dead:
            dead.append(asked.token)
            then()
        return NO if asked.token in dead else Told()

    proxied.api.answer = answer


def refreshes(proxied: Proxied) -> int:
    """Refreshes that the provider has been asked for."""
    asked = [one for one in proxied.stack.provider.requests if one.endpoint == "token"]
    return sum(one.form.get("grant_type") == "refresh_token" for one in asked)


@pytest.fixture(autouse=True)
def forget(proxied: Proxied) -> None:
    proxied.stack.provider.requests.clear()


@requirement("PRX-05")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_refused_token_is_replaced_once_and_the_call_made_once_more(
    proxied: Proxied, session: Session, method: str
) -> None:
    refuse_first(proxied)
    key = {"Idempotency-Key": "k-1"} if method in ("POST", "DELETE") else {}
    calls = len(proxied.stack.dynamodb.calls)
    got = proxied.call(session, method, body=b"x" if key else b"", headers=key)
    first, second = proxied.api.asked
    assert got.status == 200 and refreshes(proxied) == 1 and first.token != second.token
    assert replace(first, headers={}) == replace(second, headers={})
    operations = [operation for operation, _ in proxied.stack.dynamodb.calls[calls:]]
    assert operations == ["BatchGetItem", "PutItem", "UpdateItem", "PutItem", "UpdateItem", "BatchGetItem", "PutItem"]
    assert len({record["token_id"]["S"] for record in audits(proxied.stack)}) == 2
    assert proxied.call(session).status == 200 and refreshes(proxied) == 1


@requirement("PRX-05", "PRX-04")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_call_that_changes_something_is_made_once_and_refreshes_nothing(
    proxied: Proxied, session: Session, method: str
) -> None:
    refuse_first(proxied)
    for headers in ({}, {"Idempotency-Key": ""}):
        got = proxied.call(session, method, headers=headers)
        assert (got.status, got.body, got.header("broker-answer")) == (401, NO.body, "provider")
    assert len(proxied.api.asked) == 2 and refreshes(proxied) == 0


@requirement("PRX-05")
def test_an_api_that_always_refuses_costs_one_refresh_and_then_none(proxied: Proxied, session: Session) -> None:
    proxied.api.answer = lambda asked: NO
    got = proxied.call(session)
    assert (got.status, got.header("broker-answer"), got.header("x-amzn-remapped-www-authenticate")) == (
        401,
        "provider",
        None,
    )
    assert len(proxied.api.asked) == 2 and refreshes(proxied) == 1
    for _ in range(5):
        assert proxied.call(session).status == 401
    assert len(proxied.api.asked) == 7 and refreshes(proxied) == 1
    proxied.stack.clock.advance(LEAST_AGE_SECONDS - 1)
    assert proxied.call(session).status == 401 and refreshes(proxied) == 1
    assert connection_of(proxied, session).status == "active"


@requirement("PRX-05", "VLT-07")
def test_one_refresh_serves_all_who_were_refused(proxied: Proxied, session: Session) -> None:
    dead: set[str] = set()
    together = threading.Barrier(10)

    def answer(asked: Asked) -> Told:
        if not dead or asked.token in dead:
            dead.add(asked.token)
            together.wait(20)
            return NO
        return Told()

    proxied.api.answer = answer
    with ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda _: proxied.call(session).status, range(10)))
    assert got == [200] * 10 and refreshes(proxied) == 1 and len(proxied.api.asked) == 20
    assert len(dead) == 1 and connection_of(proxied, session).token_generation == 2


@requirement("PRX-05")
def test_a_caller_that_somebody_overtook_takes_the_newer_token_and_asks_nobody(
    proxied: Proxied, session: Session
) -> None:
    def somebody_refreshes() -> None:
        change(proxied.stack, session.connection_place(), access_expires_at=proxied.stack.clock.now() - 1)
        assert session.exchange().status == 200

    refuse_first(proxied, somebody_refreshes)
    assert proxied.call(session).status == 200 and refreshes(proxied) == 1
    assert connection_of(proxied, session).token_generation == 2


@requirement("PRX-05", "VLT-07")
def test_a_caller_that_meets_another_ones_lease_waits_for_its_answer(proxied: Proxied, session: Session) -> None:
    """Also where the lease was taken before its own call: it never repeats with the refused token."""
    now = proxied.stack.clock.now()
    change(
        proxied.stack, session.connection_place(), lease_owner="other", lease_until=now + 15, attempt=1,
        attempt_started=now,
    )  # fmt: skip
    naps: list[float] = []

    class Naps:
        def sleep(self, seconds: float) -> None:
            naps.append(seconds)

    proxied.stack.broker = replace(proxied.stack.broker, sleeper=Naps())
    refuse_first(proxied)
    got = proxied.call(session)
    assert got.refusal[:2] == (503, "temporarily_unavailable") and sum(naps) == pytest.approx(5.0)
    assert len(proxied.api.asked) == 1 and refreshes(proxied) == 0


@requirement("PRX-05", "VLT-08")
def test_a_provider_that_refuses_the_refresh_makes_it_a_conflict(proxied: Proxied, session: Session) -> None:
    refuse_first(proxied)
    proxied.stack.provider.faults.token_error = "invalid_grant"
    got = proxied.call(session)
    assert got.refusal == (409, "invalid_grant", "reauth_required") and got.json["connect_uri"]
    assert len(proxied.api.asked) == 1 and connection_of(proxied, session).status == "reauth_required"


@requirement("PRX-05")
def test_a_provider_that_cannot_refresh_now_is_asked_later(proxied: Proxied, session: Session) -> None:
    refuse_first(proxied)
    proxied.stack.provider.faults.status = 503
    got = proxied.call(session)
    assert got.refusal[:2] == (503, "temporarily_unavailable") and int(got.header("retry-after") or 0) > 0
    proxied.stack.provider.faults.reset()
    again = proxied.call(session)
    assert again.refusal[:2] == (503, "temporarily_unavailable"), "in doubt nothing is sent with the stored token"
    assert refreshes(proxied) == 1 and len(proxied.api.asked) == 1


@requirement("PRX-05")
@pytest.mark.parametrize(
    "fields",
    [
        {"sealed_refresh_token": b""},
        {"attempt_started": 1, "attempt": 1},
        {"retry_at": 10**10},
        {"attempt_started": 1, "attempt": 1, "doubt_since": 1},
    ],
    ids=str,
)
def test_where_a_refresh_could_lose_something_the_providers_answer_stands(
    proxied: Proxied, session: Session, fields: dict[str, Any]
) -> None:
    """An API's word alone spends no refresh token in doubt and sends nobody to sign in again."""
    change(proxied.stack, session.connection_place(), **fields)
    before = connection_of(proxied, session)
    refuse_first(proxied)
    got = proxied.call(session)
    assert (got.status, got.header("broker-answer")) == (401, "provider")
    assert refreshes(proxied) == 0 and connection_of(proxied, session) == before and len(proxied.api.asked) == 1


@requirement("PRX-05")
def test_with_too_little_time_for_a_refresh_the_providers_answer_stands(proxied: Proxied, session: Session) -> None:
    class Short:
        def begin(self) -> None:
            """Eleven seconds, always."""

        def left(self) -> float:
            return 11.0

    proxied.stack.broker = replace(proxied.stack.broker, deadline=Short())
    refuse_first(proxied)
    got = proxied.call(session)
    assert (got.status, got.header("broker-answer")) == (401, "provider") and refreshes(proxied) == 0


@requirement("VLT-11", "PRX-05")
def test_what_ended_meanwhile_is_not_called_again(proxied: Proxied, session: Session) -> None:
    refuse_first(proxied, lambda: mark(proxied.stack, session.consent_place()))
    assert proxied.call(session).refusal == (401, "invalid_token", None)
    assert len(proxied.api.asked) == 1 == len(audits(proxied.stack))


@requirement("VLT-11", "PRX-05")
def test_a_connection_that_was_taken_back_meanwhile_is_not_refreshed(proxied: Proxied, session: Session) -> None:
    refuse_first(proxied, lambda: change(proxied.stack, session.connection_place(), status="revoked"))
    assert proxied.call(session).refusal == (404, "invalid_target", "not_connected")
    assert len(proxied.api.asked) == 1 and refreshes(proxied) == 0
