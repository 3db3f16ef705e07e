"""Nonces of ours in proofs, where the operator wants them (RFC 9449 sections 8 and 9)."""

from collections.abc import Callable

import pytest

from chalicelib.config import ConfigurationError, read_settings
from tests.kit.http.bound import Bound, Holder, start_bound
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import count_calls, refusal, start_session
from tests.kit.requirement import requirement


@pytest.fixture
def strict(make_stack: Callable[..., Stack]) -> Stack:
    """A broker that wants a nonce in every proof."""
    return make_stack(dpop_nonce="required")


def start(stack: Stack) -> tuple[Bound, str]:
    """A sign-in as a client does it: asked for a nonce, it tries again with that; and the nonce that it has then."""
    holder, sign_in = Holder(stack), stack.sign_in(*stack.client())
    asked = stack.redeem(sign_in, headers=holder.proof())
    assert refusal(asked) == (400, "use_dpop_nonce")
    nonce = asked.header("dpop-nonce")
    answer = stack.redeem(sign_in, headers=holder.proof(nonce=nonce))
    assert answer.status == 200, answer.body
    assert answer.header("dpop-nonce") == nonce and nonce
    return Bound(stack, sign_in, answer.json, holder), nonce


@requirement("DPOP-01")
def test_asked_for_a_nonce_a_client_goes_on_with_it_at_both_ends(strict: Stack) -> None:
    session, nonce = start(strict)
    before = count_calls(strict)
    asked = session.use()
    assert refusal(asked) == (401, "use_dpop_nonce")
    challenge = asked.challenge or ""
    assert (
        challenge.startswith('DPoP realm="broker", error="use_dpop_nonce", resource_metadata="')
        and ' algs="' in challenge
    )
    assert asked.header("dpop-nonce") == nonce
    assert count_calls(strict) == before, "a nonce costs no call"
    good = session.use(nonce=nonce)
    assert (good.status, good.header("dpop-nonce")) == (200, nonce)


@requirement("DPOP-01")
def test_a_nonce_is_good_for_a_minute_or_two_and_the_next_one_comes_with_every_answer(strict: Stack) -> None:
    session, nonce = start(strict)
    strict.clock.advance(60)
    answer = session.refresh(headers=session.holder.proof(nonce=nonce))
    assert answer.status == 200
    following = answer.header("dpop-nonce")
    assert following not in (None, nonce)
    strict.clock.advance(60)
    over = session.refresh(answer.json["refresh_token"], headers=session.holder.proof(nonce=nonce))
    assert refusal(over) == (400, "use_dpop_nonce") and over.header("dpop-nonce") not in (None, nonce, following)
    again = session.refresh(answer.json["refresh_token"], headers=session.holder.proof(nonce=following))
    assert again.status == 200


@requirement("DPOP-01")
def test_a_nonce_that_is_not_ours_is_none(strict: Stack) -> None:
    session, nonce = start(strict)
    for wrong in ("x", "", nonce[:-1], nonce[:-2] + "AA", nonce + "="):
        assert refusal(session.use(nonce=wrong)) == (401, "use_dpop_nonce"), wrong
    strict.restart(epoch=1)
    assert refusal(session.refresh(headers=session.holder.proof(nonce=nonce))) == (400, "use_dpop_nonce")


@requirement("DPOP-01")
def test_two_processes_take_each_others_nonces(strict: Stack) -> None:
    session, nonce = start(strict)
    strict.restart()
    assert session.use(nonce=nonce).status == 200


@requirement("DPOP-01")
def test_where_none_is_wanted_none_is_told_and_a_wrong_one_is_put_right(stack: Stack) -> None:
    session = start_bound(stack)
    assert session.use().header("dpop-nonce") is None
    wrong = session.use(nonce="x")
    assert refusal(wrong) == (401, "use_dpop_nonce")
    assert session.use(nonce=wrong.header("dpop-nonce")).status == 200


@requirement("DPOP-01")
def test_who_sends_no_proof_is_told_of_no_nonce(strict: Stack) -> None:
    session = start_session(strict)
    for answer in (session.userinfo(), session.refresh(), strict.get("/userinfo"), session.exchange()):
        assert answer.header("dpop-nonce") is None
    assert session.refresh().status == 200


@requirement("DPOP-01", "GEN-12")
def test_the_setting_is_one_of_two_words() -> None:
    good = {"BROKER_ISSUER": "https://broker.example"}
    assert read_settings(good).dpop_nonce == "optional"
    assert read_settings({**good, "BROKER_DPOP_NONCE": "required"}).dpop_nonce == "required"
    for wrong in ("true", "Required", ""):
        with pytest.raises(ConfigurationError):
            read_settings({**good, "BROKER_DPOP_NONCE": wrong})
