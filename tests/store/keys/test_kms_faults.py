"""KMS throttled, away, slow, with a disabled key or another context: 503, and nothing is stored open."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.adapters.kms.keys import OPEN_AGE, PART_AGE, READ_AGE
from chalicelib.keys.rotation import rotate_one
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import Stack
from tests.kit.http.surface import read_tables
from tests.kit.http.tokens import refusal, start_session
from tests.kit.requirement import requirement
from tests.store.keys.turning import rotator_of, shown

THROTTLED = (Fault(mode="T", times=10_000),)
LATE = (Fault(mode="A", times=10_000),)  # the answer comes after five seconds: nobody waits so long any more
FAULTS: dict[str, tuple[Fault, ...] | str] = {
    "throttled": THROTTLED,
    "five seconds late": LATE,
    "unreachable": (Fault(mode="B", times=10_000),),
    "disabled key": "DisabledException",
    "another context": "InvalidCiphertextException",
    "no right": "AccessDeniedException",
}


class Kms:
    """KMS with a fault that can be taken away."""

    def __init__(self, stack: Stack, fault: tuple[Fault, ...] | str) -> None:
        self._inner, self._fault, self.broken = stack.kms, fault, True

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if not self.broken:
            return self._inner.call(operation, payload)
        if isinstance(self._fault, str):
            raise AwsRefusal(self._fault)
        return FaultyTransport(self._inner, *self._fault).call(operation, payload)


@requirement("F14", "GEN-13")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_cold_process_answers_503_stores_nothing_and_uses_nothing_up(stack: Stack, fault: str) -> None:
    session = start_session(stack)
    waiting, travelling = stack.sign_in(session.client), stack.to_callback(session.client)
    warm, kms = stack.broker, Kms(stack, FAULTS[fault])
    stack.restart(kms=kms)
    before = read_tables(stack)
    assert stack.redeem(waiting).status == session.refresh().status == session.exchange().status == 503
    refused = travelling.browser.get(travelling.callback)
    assert refused.status == 503 and refused.header("retry-after")
    assert refusal(session.refresh()) == (503, "temporarily_unavailable")
    assert read_tables(stack) == before
    assert stack.get("/jwks").status == 503, "only KMS can tell whose keys these are"
    cold, stack.broker = stack.broker, warm
    assert session.exchange().status == 200 and stack.get("/jwks").status == 200
    stack.broker, kms.broken = cold, False
    arrived = travelling.browser.get(travelling.callback)
    assert arrived.status == 303 and "code" in arrived.answered
    assert stack.redeem(waiting).status == session.refresh().status == 200


@requirement("F14", "GEN-13")
@pytest.mark.parametrize("fault", ["throttled", "five seconds late", "disabled key"])
def test_a_warm_process_seals_what_a_provider_gives_and_goes_on_for_300_seconds(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)
    kms = Kms(stack, FAULTS[fault])
    kms.broken = False
    stack.restart(kms=kms)
    session = start_session(stack)
    opened_at, kms.broken = stack.clock.now(), True
    again = stack.sign_in(session.client)
    tokens = stack.redeem(again).json
    handed = stack.exchange(again, tokens["access_token"]).json["access_token"]
    kept = json.dumps(read_tables(stack), default=lambda value: value.decode("latin-1"))
    for plain in (handed, session.refresh_token, tokens["refresh_token"], tokens["access_token"]):
        assert plain not in kept
    stack.clock.time = opened_at + OPEN_AGE - 1
    assert session.refresh().status == 200
    stack.clock.advance(1)
    assert session.refresh().status == 503
    kms.broken = False
    assert session.refresh().status == 200


@requirement("F14", "KEY-01")
def test_a_published_key_that_did_not_open_is_tried_again_before_others_seal_under_it(stack: Stack) -> None:
    kms = Kms(stack, THROTTLED)
    kms.broken = False
    stack.restart(kms=kms)
    assert set(stack.broker.keys.get("handle").versions) == {1}
    assert shown(rotate_one(rotator_of(stack), "handle", now=stack.clock.now())) == ("handle", 2, "published")
    kms.broken = True
    stack.clock.advance(READ_AGE)
    assert set(stack.broker.keys.get("handle").versions) == {1}
    kms.broken = False
    stack.clock.advance(PART_AGE)
    assert set(stack.broker.keys.get("handle").versions) == {1, 2}
