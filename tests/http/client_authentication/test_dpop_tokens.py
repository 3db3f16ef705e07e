"""Proofs of possession at the token endpoint (RFC 9449 sections 5 and 10)."""

from typing import Any

import pytest

from tests.kit.http.bound import Bound, Holder, start_bound
from tests.kit.http.device import start_device
from tests.kit.http.pushing import follow
from tests.kit.http.stack import Stack
from tests.kit.http.surface import raw
from tests.kit.http.tokens import CONFIDENTIAL, events, read_claims, refusal, start_session
from tests.kit.requirement import requirement

REFUSED = (400, "invalid_dpop_proof")


def bound_to(tokens: dict[str, Any]) -> tuple[str, str | None]:
    """How an answer says that its access token is used, and the key in it."""
    return tokens["token_type"], read_claims(tokens["access_token"]).get("cnf", {}).get("jkt")


@requirement("DPOP-01", "TOK-01")
@pytest.mark.parametrize("fields", [{}, CONFIDENTIAL], ids=["public", "confidential"])
def test_a_proof_binds_the_access_token_of_a_code_and_of_a_refresh(stack: Stack, fields: dict[str, Any]) -> None:
    session = start_bound(stack, **fields)
    key = session.holder.key.jkt
    assert bound_to(session.tokens) == ("DPoP", key)
    again = session.refresh()
    assert again.status == 200 and bound_to(again.json) == ("DPoP", key)
    assert start_session(stack).tokens["token_type"] == "Bearer"


@requirement("DPOP-01")
def test_a_client_for_itself_gets_a_bound_token_with_a_proof(stack: Stack) -> None:
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    holder = Holder(stack)
    answer = stack.token(client, secret, grant_type="client_credentials", headers=holder.proof())
    assert bound_to(answer.json) == ("DPoP", holder.key.jkt)


@requirement("DPOP-01")
def test_who_has_registered_to_send_proofs_must(stack: Stack) -> None:
    client = stack.client(dpop_bound_access_tokens=True)
    sign_in = stack.sign_in(*client)
    assert refusal(stack.redeem(sign_in)) == REFUSED
    holder = Holder(stack)
    tokens = stack.redeem(sign_in, headers=holder.proof()).json
    session = Bound(stack, sign_in, tokens, holder)
    assert refusal(session.refresh(headers={})) == REFUSED
    assert refusal(session.exchange(headers={})) == REFUSED
    assert session.refresh().status == session.exchange().status == 200


@requirement("DPOP-01")
def test_a_proof_for_another_request_or_time_or_server_redeems_nothing_and_changes_nothing(stack: Stack) -> None:
    sign_in, holder = stack.sign_in(*stack.client()), Holder(stack)
    now = stack.clock.now()
    with stack.dynamodb.counted() as calls:
        for wrong in (
            {"path": "/userinfo"}, {"method": "GET"}, {"now": now - 61}, {"now": now + 11}, {"htu": "https://x/token"},
        ):  # fmt: skip
            assert refusal(stack.redeem(sign_in, headers=holder.proof(**wrong))) == REFUSED, wrong
        assert refusal(stack.redeem(sign_in, headers={"DPoP": ""})) == REFUSED
        assert refusal(stack.redeem(sign_in, headers={"DPoP": "x"})) == REFUSED
    assert not calls
    assert stack.redeem(sign_in, headers=holder.proof()).status == 200


@requirement("DPOP-01", "GEN-08")
def test_the_url_compared_is_the_configured_one(stack: Stack) -> None:
    """Through a host that is not ours nobody gets this far; what a request says of its host plays no part."""
    sign_in, holder = stack.sign_in(*stack.client()), Holder(stack)
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    proof = holder.proof(htu="https://evil.example/token")
    assert refusal(stack.redeem(sign_in, headers={**proof, **forwarded})) == REFUSED
    assert stack.redeem(sign_in, headers={**holder.proof(), **forwarded}).status == 200


@requirement("DPOP-01")
def test_a_proof_is_good_once_whatever_came_of_it(stack: Stack) -> None:
    session = start_bound(stack)
    proof = session.holder.proof()
    assert session.refresh(headers=proof).status == 200
    assert refusal(session.refresh(headers=proof)) == REFUSED
    wrong = session.holder.proof()
    assert refusal(session.refresh("tbr_x", headers=wrong)) == (400, "invalid_grant")
    assert refusal(session.refresh(scope="demo:notes:write", headers=wrong)) == (400, "invalid_scope")
    assert refusal(session.refresh(headers=wrong)) == REFUSED
    assert {line["reason"] for line in events(stack, "refused") if line["error"] == "invalid_dpop_proof"} == {
        "proof_used_before"
    }


@requirement("DPOP-01")
def test_two_keys_may_use_one_name(stack: Stack) -> None:
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    for holder in (Holder(stack), Holder(stack)):
        proof = holder.proof(jti="the same")
        assert stack.token(client, secret, grant_type="client_credentials", headers=proof).status == 200


@requirement("DPOP-01")
def test_a_proof_is_remembered_as_long_as_it_would_be_taken(stack: Stack) -> None:
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    holder = Holder(stack)
    proof = holder.proof(now=stack.clock.now() + 10)
    for seconds in (0, 35, 35):
        stack.clock.advance(seconds)
        answer = stack.token(client, secret, grant_type="client_credentials", headers=proof)
        assert (answer.status == 200) is (seconds == 0)


@requirement("DPOP-01", "GEN-09")
def test_two_proofs_are_none(stack: Stack) -> None:
    holder = Holder(stack)
    client, _ = stack.client()
    form = f"grant_type=refresh_token&refresh_token=x&client_id={client.client_id}".encode()
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    for second, error in (("DPoP", "invalid_request"), ("dpop", "invalid_request"), ("D-PoP", "invalid_grant")):
        sent = [*headers, ("DPoP", holder.prove()), (second, holder.prove())]
        assert raw(stack.netloc, "POST", "/token", sent, form).json["error"] == error, second
    both = f"{holder.prove()}, {holder.prove()}"
    assert raw(stack.netloc, "POST", "/token", [*headers, ("DPoP", both)], form).json["error"] == "invalid_dpop_proof"


# Refresh tokens


@requirement("DPOP-01", "REF-02")
def test_a_public_clients_refresh_token_is_bound_and_a_refused_key_changes_nothing(stack: Stack) -> None:
    session, thief = start_bound(stack), Holder(stack)
    assert session.grant().jkt == session.holder.key.jkt
    before = session.grant()
    for headers in ({}, thief.proof()):
        assert refusal(session.refresh(headers=headers)) == (400, "invalid_grant")
        assert session.grant() == before
    second = session.refresh().json["refresh_token"]
    for headers in ({}, thief.proof()):
        assert refusal(session.refresh(headers=headers)) == (400, "invalid_grant"), "inside the grace, too"
    stack.clock.advance(60)
    for headers in ({}, thief.proof()):
        assert refusal(session.refresh(headers=headers)) == (400, "invalid_grant"), "and nothing is ended by it"
    assert session.refresh(second).status == 200


@requirement("DPOP-01", "REF-04")
def test_inside_the_grace_the_holder_gets_the_same_successor_bound_again(stack: Stack) -> None:
    session = start_bound(stack)
    first, second = session.refresh().json, session.refresh().json
    assert first["refresh_token"] == second["refresh_token"]
    assert bound_to(second) == ("DPoP", session.holder.key.jkt)


@requirement("DPOP-01", "REF-05")
def test_a_bound_refresh_token_that_is_used_again_by_its_holder_ends_the_grant(stack: Stack) -> None:
    session = start_bound(stack)
    assert session.refresh().status == 200
    stack.clock.advance(31)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "revoked"


@requirement("DPOP-01", "REF-02")
def test_a_confidential_clients_refresh_token_stays_bound_to_the_client(stack: Stack) -> None:
    session, other = start_bound(stack, **CONFIDENTIAL), Holder(stack)
    assert session.grant().jkt == ""
    second = session.refresh(headers=other.proof()).json
    assert bound_to(second) == ("DPoP", other.key.jkt)
    assert bound_to(session.refresh(second["refresh_token"], headers={}).json) == ("Bearer", None)


@requirement("DPOP-01", "REF-05")
def test_a_thief_who_binds_a_stolen_token_is_still_found_out(stack: Stack) -> None:
    """The honest client knows of no key: that its token is used again has to end the grant all the same."""
    session, thief = start_session(stack), Holder(stack)
    stolen = session.refresh(headers=thief.proof()).json
    assert session.grant().jkt == thief.key.jkt
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "active"
    stack.clock.advance(31)
    assert refusal(session.refresh()) == (400, "invalid_grant")
    assert session.grant().status == "revoked"
    assert refusal(session.refresh(stolen["refresh_token"], headers=thief.proof())) == (400, "invalid_grant")


@requirement("DPOP-01", "REF-02")
def test_a_public_client_that_begins_to_send_proofs_is_bound_from_then_on(stack: Stack) -> None:
    session, holder = start_session(stack), Holder(stack)
    second = session.refresh(headers=holder.proof()).json["refresh_token"]
    assert session.refresh(headers=holder.proof()).json["refresh_token"] == second, "repeated in the grace"
    assert refusal(session.refresh(second)) == (400, "invalid_grant")
    third = session.refresh(second, headers=holder.proof()).json["refresh_token"]
    grant = session.grant()
    assert (grant.generation, grant.bound_since, grant.jkt) == (3, 2, holder.key.jkt)
    stack.clock.advance(31)
    assert refusal(session.refresh(second)) == (400, "invalid_grant")
    assert session.refresh(third, headers=holder.proof()).status == 200, "a stranger ends nothing"


# Codes


@requirement("DPOP-03", "CODE-02")
@pytest.mark.parametrize("fields", [{}, CONFIDENTIAL], ids=["public", "confidential"])
def test_a_code_for_a_key_is_redeemed_by_that_key_alone(stack: Stack, fields: dict[str, Any]) -> None:
    holder, thief = Holder(stack), Holder(stack)
    sign_in = stack.sign_in(*stack.client(**fields), dpop_jkt=holder.key.jkt)
    for headers in ({}, thief.proof()):
        assert refusal(stack.redeem(sign_in, headers=headers)) == (400, "invalid_grant")
    answer = stack.redeem(sign_in, headers=holder.proof())
    assert bound_to(answer.json) == ("DPoP", holder.key.jkt)
    session = Bound(stack, sign_in, answer.json, holder)
    for headers in ({}, thief.proof()):
        assert refusal(stack.redeem(sign_in, headers=headers)) == (400, "invalid_grant")
    assert session.grant().status == "active", "who has not the key cannot end it"
    assert refusal(stack.redeem(sign_in, headers=holder.proof())) == (400, "invalid_grant")
    assert session.grant().status == "revoked"


@requirement("DPOP-03")
def test_a_key_that_cannot_be_one_is_refused_at_once(stack: Stack) -> None:
    client, _ = stack.client(redirect_uris=("https://app.example/x",))
    good = Holder(stack).key.jkt
    for wrong in (good[:-1], good + "A", good[:-1] + "B", good[:-1] + "=", "*", "a b"):
        answer = stack.authorize(stack.authorize_parameters(client, dpop_jkt=wrong))
        assert answer.answered["error"] == "invalid_request", wrong
    assert stack.authorize(stack.authorize_parameters(client, dpop_jkt=good)).status == 200


@requirement("DPOP-03")
def test_the_key_of_a_code_goes_every_way_to_the_grant(stack: Stack) -> None:
    """Through a request too large for a cookie, and from a live session without a trip."""
    holder, session = Holder(stack), start_session(stack)
    browser = session.sign_in.browser
    large = {"state": "s" * 2000, "nonce": "n" * 256, "dpop_jkt": holder.key.jkt}
    sign_in = stack.sign_in(session.client, **large)
    assert refusal(stack.redeem(sign_in)) == (400, "invalid_grant")
    assert stack.redeem(sign_in, headers=holder.proof()).status == 200
    code = stack.authorize(stack.authorize_parameters(session.client, dpop_jkt=holder.key.jkt), browser).answered[
        "code"
    ]
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
    assert refusal(stack.token(session.client, **fields)) == (400, "invalid_grant")
    assert stack.token(session.client, **fields, headers=holder.proof()).status == 200


@requirement("DPOP-03", "PAR-03")
def test_a_pushed_request_with_a_proof_is_for_its_key(stack: Stack) -> None:
    client, _ = stack.client()
    holder, thief = Holder(stack), Holder(stack)
    asked = stack.authorize_parameters(client)
    for wrong in ({"path": "/token"}, {"method": "GET"}):
        assert refusal(stack.post("/par", client, headers=holder.proof(**wrong), **asked)) == REFUSED
    other = {**asked, "dpop_jkt": thief.key.jkt}
    assert refusal(stack.post("/par", client, headers=holder.proof(path="/par"), **other)) == REFUSED
    proof = holder.proof(path="/par")
    pushed = stack.post("/par", client, headers=proof, **asked)
    assert pushed.status == 201
    assert refusal(stack.post("/par", client, headers=proof, **asked)) == REFUSED
    browser = stack.browser()
    page = follow(browser, client, pushed.json["request_uri"], dpop_jkt=thief.key.jkt)
    callback = stack.provider.sign_in(stack.decide(browser, page, provider="demo").location, "alice")
    fields = {"grant_type": "authorization_code", "code": browser.get(callback).answered["code"]}
    for headers in ({}, thief.proof()):
        assert refusal(stack.token(client, **fields, code_verifier="v" * 43, headers=headers)) == (400, "invalid_grant")
    answer = stack.token(client, **fields, code_verifier="v" * 43, headers=holder.proof())
    assert bound_to(answer.json) == ("DPoP", holder.key.jkt)


@requirement("DPOP-01", "DEV-07")
def test_a_device_with_a_proof_gets_bound_tokens(stack: Stack) -> None:
    holder, thief = Holder(stack), Holder(stack)
    device = start_device(stack)
    proof = holder.proof()
    assert refusal(device.poll(headers=proof)) == (400, "authorization_pending")
    assert refusal(device.poll(headers=proof)) == REFUSED, "each poll has a proof of its own"
    device.approve()
    stack.clock.advance(5)
    answer = device.poll(headers=holder.proof())
    assert bound_to(answer.json) == ("DPoP", holder.key.jkt)
    fields = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"]}
    for headers in ({}, thief.proof()):
        assert refusal(stack.token(device.client, **fields, headers=headers)) == (400, "invalid_grant")
    assert stack.token(device.client, **fields, headers=holder.proof()).status == 200
