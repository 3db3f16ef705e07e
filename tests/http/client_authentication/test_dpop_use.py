"""Access tokens that are bound to a key, wherever one is used (RFC 9449 section 7)."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.protocol.dpop_result import PROOF_ALGORITHMS
from tests.kit.http.acting import start_acting
from tests.kit.http.bound import Bound, Holder, start_bound
from tests.kit.http.browser import FORM, Answer, request
from tests.kit.http.proxied import Api, Proxied, Told
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import CONFIDENTIAL, change, count_calls, events, read_claims, refusal, sign, start_session
from tests.kit.requirement import requirement

ALGORITHMS = f'algs="{" ".join(PROOF_ALGORITHMS)}"'
LINK = urlencode({"provider": "demo", "redirect_uri": APP, "scope": "notes:read"})


def call(bound: Bound, place: str, **sent: Any) -> Answer:
    """One right use of a bound token, but for what is said."""
    token = sent.pop("token", bound.access)
    one = f"/connections/{bound.claims['connections']['demo']}"
    more: dict[str, Any] = {
        "userinfo": {"path": "/userinfo"},
        "userinfo by POST": {"path": "/userinfo", "method": "POST", "headers": {"Content-Type": FORM}},
        "the list": {"path": "/connections"},
        "one connection": {"path": one},
        "connect": {"path": "/connect", "method": "POST", "body": LINK, "headers": {"Content-Type": FORM}},
        "proxy": {"path": "/proxy/demo/notes?x=1&y=%2F"},
        "proxy, encoded": {"path": "/proxy/demo/notes/%7Ea%20b"},
    }[place]
    return bound.holder.use(token, **{**more, **sent})


PLACES = ["userinfo", "userinfo by POST", "the list", "one connection", "connect", "proxy", "proxy, encoded"]


def described(stack: Stack) -> str:
    """Where a challenge says what takes our tokens (RFC 9728 section 5.1)."""
    return f'resource_metadata="{stack.settings.issuer}/.well-known/oauth-protected-resource"'


@pytest.fixture
def bound(proxied: Proxied) -> Bound:
    """A sign-in with a proof at a provider that has an API."""
    return start_bound(proxied.stack)


@requirement("DPOP-02", "DPOP-01")
@pytest.mark.parametrize("place", PLACES)
def test_a_bound_token_works_with_a_proof_and_in_no_other_way(bound: Bound, place: str) -> None:
    assert call(bound, place).status in (200, 204)
    thief = Holder(bound.stack)
    before = count_calls(bound.stack)
    bearer = call(bound, place, scheme="Bearer")
    assert refusal(bearer) == (401, "invalid_token"), "as a bearer token, a proof beside it or not"
    assert bearer.challenge == f'DPoP realm="broker", error="invalid_token", {described(bound.stack)}, {ALGORITHMS}'
    mine, bound.holder = bound.holder, thief
    assert refusal(call(bound, place)) == (401, "invalid_token"), "with another key's proof"
    bound.holder = mine
    for wrong in ({"ath": None}, {"ath": "x"}, {"htm": "PUT"}, {"htu": "https://x/"}, {"jti": None}, {"proof": "x"}):
        answer = call(bound, place, **wrong)
        assert refusal(answer) == (401, "invalid_dpop_proof"), wrong
        expected = f'DPoP realm="broker", error="invalid_dpop_proof", {described(bound.stack)}, {ALGORITHMS}'
        assert answer.challenge == expected
    assert count_calls(bound.stack) == before, "nothing is read for any of them"
    assert call(bound, place, jti="once").status in (200, 204)
    assert refusal(call(bound, place, jti="once")) == (401, "invalid_dpop_proof")


@requirement("DPOP-02")
@pytest.mark.parametrize("place", PLACES)
def test_a_token_of_no_key_is_refused_under_the_scheme_for_proofs(proxied: Proxied, place: str) -> None:
    session = start_session(proxied.stack)
    bearer = Bound(proxied.stack, session.sign_in, session.tokens, Holder(proxied.stack))
    before = count_calls(proxied.stack)
    answer = call(bearer, place)
    assert refusal(answer) == (401, "invalid_token")
    assert answer.challenge == f'DPoP realm="broker", error="invalid_token", {described(proxied.stack)}, {ALGORITHMS}'
    assert count_calls(proxied.stack) == before
    assert call(bearer, place, scheme="Bearer").status in (200, 204), "a proof beside a bearer token plays no part"


@requirement("DPOP-02", "DPOP-01")
def test_the_proof_is_of_this_very_token(bound: Bound) -> None:
    other = bound.refresh().json["access_token"]
    proof = bound.holder.prove("GET", "/userinfo", token=other)
    assert refusal(bound.holder.use(bound.access, proof=proof)) == (401, "invalid_dpop_proof")
    assert bound.holder.use(other, proof=proof).status == 200


@requirement("DPOP-02")
def test_who_sends_nothing_learns_of_both_schemes(stack: Stack) -> None:
    for path in ("/userinfo", "/connections", "/proxy/demo/notes"):
        answer = stack.get(path)
        expected = f'Bearer realm="broker", {described(stack)}, DPoP {ALGORITHMS}'
        assert (answer.status, answer.challenge) == (401, expected)
    holder = Holder(stack)
    client, secret = stack.client(**CONFIDENTIAL, grant_types=frozenset({"client_credentials"}))
    token = stack.token(client, secret, grant_type="client_credentials", headers=holder.proof())
    refused = holder.use(token.json["access_token"])
    assert refusal(refused) == (403, "insufficient_scope")
    assert refused.challenge == f'DPoP realm="broker", error="insufficient_scope", {described(stack)}, {ALGORITHMS}'


@requirement("DPOP-02")
@pytest.mark.parametrize(
    "confirmation",
    [
        *({}, None, "x", [{"jkt": "$JKT"}], {"jkt": None}, {"jkt": ["x"]}),
        *({"x5t#S256": "x"}, {"jkt": "$JKT", "x5t#S256": "x"}),
    ],
    ids=str,
)
def test_another_constraint_than_a_key_opens_nothing(bound: Bound, confirmation: Any) -> None:
    told = json.loads(json.dumps(confirmation).replace("$JKT", bound.holder.key.jkt))
    token = sign(bound.stack, {**bound.claims, "cnf": told})
    for place in ("userinfo", "connect", "proxy"):
        assert refusal(call(bound, place, token=token)) == (401, "invalid_token")
        assert refusal(call(bound, place, token=token, scheme="Bearer")) == (401, "invalid_token")
    client, secret = bound.stack.client(**CONFIDENTIAL, serves=frozenset({bound.stack.settings.issuer}))
    assert bound.stack.post("/introspect", client, secret, token=token).json == {"active": False}
    assert refusal(bound.exchange(token)) == (400, "invalid_request")


@requirement("XCH-03", "DPOP-02")
def test_a_hand_out_for_a_bound_token_wants_a_proof_by_its_key(bound: Bound) -> None:
    thief = Holder(bound.stack)
    before = count_calls(bound.stack)
    for headers in ({}, thief.proof()):
        assert refusal(bound.exchange(headers=headers)) == (400, "invalid_request")
    assert count_calls(bound.stack) == before
    proof = bound.holder.proof()
    answer = bound.exchange(headers=proof)
    assert answer.json["token_type"] == "Bearer", "the provider's token is as the provider gives it"
    assert refusal(bound.exchange(headers=proof)) == (400, "invalid_dpop_proof")


@requirement("XCH-03", "DPOP-02")
def test_what_comes_of_a_bound_token_is_bound_to_its_key(stack: Stack) -> None:
    """By exchange for one of ours: by the key's holder alone, and never for one that anybody could use."""
    bound = start_bound(stack)
    ask: dict[str, Any] = {"audience": None, "resource": stack.settings.issuer, "scope": "openid"}
    before = count_calls(stack)
    for headers in ({}, Holder(stack).proof()):
        assert refusal(bound.exchange(**ask, headers=headers)) == (400, "invalid_request")
    assert count_calls(stack) == before
    proof = bound.holder.proof()
    answer = bound.exchange(**ask, headers=proof)
    token = answer.json["access_token"]
    assert (answer.json["token_type"], read_claims(token)["cnf"]) == ("DPoP", {"jkt": bound.holder.key.jkt})
    assert bound.holder.use(token).status == 200 and refusal(stack.userinfo(token)) == (401, "invalid_token")
    assert refusal(bound.exchange(**ask, headers=proof)) == (400, "invalid_dpop_proof")
    plain = start_session(stack, who="bob")
    bound_now = plain.exchange(**ask, headers=bound.holder.proof()).json
    assert read_claims(bound_now["access_token"])["cnf"] == {"jkt": bound.holder.key.jkt}


@requirement("XCH-05", "DPOP-02")
def test_who_acts_proves_the_key_of_each_bound_token(stack: Stack) -> None:
    acted, holder = start_acting(stack), Holder(stack)
    shown = acted.shown
    actor = acted.tools.own_token(headers=holder.proof())
    for headers, why in (
        ({}, "actor_bound_token_without_proof"),
        (Holder(stack).proof(), "actor_proof_by_another_key"),
    ):
        assert refusal(acted.tools.act(shown, actor=actor, headers=headers)) == (400, "invalid_request")
        assert events(stack, "refused")[-1]["reason"] == why
    proof = holder.proof()
    answer = acted.tools.act(shown, actor=actor, headers=proof).json
    assert (answer["token_type"], read_claims(answer["access_token"])["cnf"]) == ("DPoP", {"jkt": holder.key.jkt})
    assert acted.orders.introspect(answer["access_token"])["cnf"] == {"jkt": holder.key.jkt}
    assert refusal(acted.tools.act(shown, actor=actor, headers=proof)) == (400, "invalid_dpop_proof")
    proof = holder.proof()
    assert refusal(acted.tools.act(shown, actor=actor, headers=proof, scope="openid")) == (400, "invalid_scope")
    assert acted.tools.act(shown, actor=actor, headers=proof).status == 200, "what is wrong costs no proof"
    theirs = acted.narrow(headers=Holder(stack).proof()).json["access_token"]
    for headers, why in (({}, "subject_bound_token_without_proof"), (holder.proof(), "subject_proof_by_another_key")):
        assert refusal(acted.tools.act(theirs, headers=headers)) == (400, "invalid_request")
        assert events(stack, "refused")[-1]["reason"] == why


@requirement("XCH-03")
def test_a_proof_beside_a_subject_token_of_no_key_is_the_requests_own(stack: Stack) -> None:
    session, holder = start_session(stack), Holder(stack)
    proof = holder.proof()
    assert session.exchange(headers=proof).status == 200
    assert refusal(session.exchange(headers=proof)) == (400, "invalid_dpop_proof")
    assert refusal(session.exchange(headers={"DPoP": "x"})) == (400, "invalid_dpop_proof")


@requirement("DPOP-01")
def test_a_hand_out_and_a_call_that_look_again_use_one_proof(bound: Bound, api: Api) -> None:
    """After a refresh at the provider, and after a 401 of its API, the same request asks again who holds the token."""
    change(bound.stack, bound.connection_place(), access_expires_at=bound.stack.clock.now() - 1)
    assert bound.exchange().status == 200
    change(bound.stack, bound.connection_place(), tokens_at=bound.stack.clock.now() - 60)
    answers = iter([Told(status=401), Told()])
    api.answer = lambda asked: next(answers)
    assert call(bound, "proxy").status == 200


@requirement("PRX-02", "DPOP-02")
def test_no_proof_and_no_scheme_of_ours_reaches_a_provider(bound: Bound, api: Api) -> None:
    assert call(bound, "proxy").status == 200
    (asked,) = [one for one in api.asked if one.target.startswith("/v1/notes")]
    assert "dpop" not in asked.headers
    assert asked.headers["authorization"].startswith("Bearer ") and bound.access not in asked.headers["authorization"]


@requirement("DPOP-02", "INT-02")
def test_introspection_tells_of_the_key(stack: Stack) -> None:
    session = start_bound(stack)
    client, secret = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    told = stack.post("/introspect", client, secret, token=session.access).json
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": session.holder.key.jkt})
    plain = stack.post("/introspect", client, secret, token=start_session(stack, who="bob").access).json
    assert plain["token_type"] == "Bearer" and "cnf" not in plain


@requirement("DPOP-02")
def test_a_bound_token_is_revoked_without_a_proof(stack: Stack) -> None:
    """Revoking gives nothing to whoever has a token; RFC 7009 asks for the client alone."""
    session = start_bound(stack)
    assert stack.post("/revoke", session.client, token=session.access).status == 200
    assert refusal(session.use()) == (401, "invalid_token")
    assert stack.post("/revoke", session.client, token=session.refresh_token).status == 200
    assert session.grant().status == "revoked"


@requirement("DPOP-01")
def test_the_hash_and_the_thumbprint_are_as_the_rfc_has_them(stack: Stack) -> None:
    session = start_bound(stack)
    digest = hashlib.sha256(session.access.encode("ascii")).digest()
    ath = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert session.use(ath=ath).status == 200
    members = {name: session.holder.key.public[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"))
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
    assert read_claims(session.access)["cnf"] == {"jkt": thumbprint}


@requirement("DPOP-02", "GEN-19")
def test_a_page_of_another_origin_may_send_proofs_and_read_what_it_is_told(stack: Stack) -> None:
    paths = {
        "/token": "POST",
        "/connect": "POST",
        "/userinfo": "GET",
        "/connections": "GET",
        "/proxy/demo/notes": "GET",
    }
    for path, method in paths.items():
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": method}
        allowed = request(stack.netloc, "OPTIONS", path, headers=asked).header("access-control-allow-headers") or ""
        assert {"DPoP", "Authorization"} <= set(allowed.split(", ")), path
        exposed = request(stack.netloc, method, path, headers=asked).header("access-control-expose-headers") or ""
        assert {"DPoP-Nonce", "x-amzn-Remapped-WWW-Authenticate", "WWW-Authenticate"} <= set(exposed.split(", ")), path
