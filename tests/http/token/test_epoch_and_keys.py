"""A raised epoch voids everything older; keys go on for 300 s without KMS, by their age, and not a second longer."""

import pytest

from chalicelib.adapters.aws.transport import AwsRefusal
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.browser import read_page
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, refusal, rotate_key, start_session
from tests.kit.requirement import requirement

AWAY = Fault(mode="B", times=10_000)


@requirement("F09", "CODE-02", "REF-08")
def test_a_raised_epoch_voids_every_code_token_and_cookie(stack: Stack) -> None:
    session = start_session(stack)
    client, browser = session.client, session.sign_in.browser
    code, travelling, shown = stack.sign_in(client), stack.to_callback(client), stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), shown)
    stack.restart(epoch=1)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert refusal(stack.redeem(code)) == (400, "invalid_grant")
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert refusal(session.exchange()) == (400, "invalid_request")
    api = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    assert stack.post("/introspect", *api, token=session.access).json == {"active": False}
    assert travelling.browser.get(travelling.callback).status == 403
    assert stack.decide(shown, page, provider="demo").status == 403
    asked = stack.authorize(stack.authorize_parameters(client), browser)
    assert asked.status == 200 and read_page(asked.body).action == "/signin"
    assert stack.post("/revoke", client, token=session.refresh_token).json == {}


@requirement("F09", "VLT-01")
def test_after_a_raised_epoch_the_old_connection_is_handed_out_no_more_until_a_new_sign_in(stack: Stack) -> None:
    old = start_session(stack)
    stack.restart(epoch=1)
    new = start_session(stack, client=(old.client, None))
    assert new.claims["sub"] == old.claims["sub"] and new.exchange().status == 200
    assert refusal(old.exchange()) == (400, "invalid_request")
    stack.restart(epoch=0)
    assert old.exchange().json.get("reason") == "reauth_required"


@requirement("F14", "GEN-13")
def test_a_warm_process_goes_on_without_kms_for_300_seconds_and_a_cold_one_not_at_all(stack: Stack) -> None:
    session = start_session(stack)
    stack.restart(kms=(kms := Switch(stack)))
    waiting = stack.sign_in(session.client)
    token = session.refresh().json["refresh_token"]
    kms.fault = AWAY
    for seconds in (0, 100, 150):
        stack.clock.advance(seconds)
        answer = session.refresh(token)
        assert answer.status == 200, answer.body
        token = answer.json["refresh_token"]
    stack.clock.advance(60)
    assert refusal(session.refresh(token)) == (503, "temporarily_unavailable")
    assert stack.get("/jwks").status == 200
    assert stack.redeem(waiting).status == 503
    cold = stack.build(kms=FaultyTransport(stack.kms, AWAY))
    warm, stack.broker = stack.broker, cold
    assert session.refresh(token).status == 503
    stack.broker, kms.fault = warm, None
    assert session.refresh(token).status == 200


@requirement("F14")
def test_a_key_opened_before_another_version_came_is_not_used_longer_for_it(stack: Stack) -> None:
    session = start_session(stack)
    stack.restart(kms=(kms := Switch(stack)))
    forged = session.refresh_token[:-1] + "x"
    assert revoke(session, forged) == 200
    stack.clock.advance(200)
    rotate_key(stack)
    assert revoke(session, forged) == 200
    kms.fault = AWAY
    stack.clock.advance(99)
    assert revoke(session, forged) == 200
    stack.clock.advance(1)
    assert revoke(session, forged) == 503


@requirement("REF-04", "CODE-02")
def test_handles_under_a_retired_key_stay_good_and_repeats_stay_the_same(stack: Stack) -> None:
    session = start_session(stack)
    code = stack.sign_in(session.client)
    second = session.refresh().json["refresh_token"]
    rotate_key(stack)
    stack.restart()
    assert session.refresh().json["refresh_token"] == second
    third = session.refresh(second).json["refresh_token"]
    assert session.refresh(second).json["refresh_token"] == third
    assert session.refresh(third).status == 200 and stack.redeem(code).status == 200


@requirement("GEN-13")
@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_a_key_that_kms_refuses_to_open_is_no_key(stack: Stack, code: str) -> None:
    session = start_session(stack)
    stack.restart(kms=(kms := Switch(stack)))
    kms.refusal = code
    assert session.refresh().status == 503 and session.exchange().status == 503
    assert session.userinfo().status == 503


@requirement("GEN-13")
def test_keys_of_another_deployment_do_not_open(stack: Stack) -> None:
    session = start_session(stack)
    stack.restart(deployment="other")
    assert session.refresh().status == 503


def revoke(session: Session, token: str) -> int:
    """Asks for the handle keys and for no others."""
    return session.stack.post("/revoke", session.client, token=token).status


class Switch:
    """KMS with a fault that can be switched on and off."""

    def __init__(self, stack: Stack) -> None:
        self._inner = stack.kms
        self.fault: Fault | None = None
        self.refusal = ""

    def call(self, operation: str, payload: dict[str, object]) -> dict[str, object]:
        if self.refusal:
            raise AwsRefusal(self.refusal)
        inner = FaultyTransport(self._inner, self.fault) if self.fault else self._inner
        return inner.call(operation, payload)


@requirement("F25")
def test_another_region_on_the_same_table_decides_nothing_until_it_adopts_the_home(stack: Stack) -> None:
    """Neither region knows of the other: what they share is the table, and what keeps them apart is the letter."""
    session = start_session(stack)
    code = stack.sign_in(session.client)
    stack.restart(region_letter="b")
    for answer in (
        session.refresh(),
        stack.redeem(code),
        stack.post("/revoke", session.client, token=session.refresh_token),
    ):
        assert refusal(answer) == (503, "temporarily_unavailable")
    of_b = start_session(stack, client=(session.client, None))
    stack.restart(region_letter="a")
    assert refusal(of_b.refresh()) == (503, "temporarily_unavailable")
    assert session.refresh().status == 200
    stack.restart(region_letter="b", adopted_letters="a")
    assert stack.redeem(code).status == 200 and of_b.refresh().status == 200
