"""The modules of `fapi2-security-profile-final-test-plan` for private_key_jwt, DPoP, plain_fapi and OpenID Connect."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.interop.conformance.party import Way
from tests.kit.http.browser import request
from tests.kit.http.fapi_party import FapiParty
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import read_claims, refusal
from tests.kit.jose.proofs import ProofKey
from tests.kit.requirement import requirement


@pytest.fixture
def app(make_stack: Callable[..., Stack]) -> FapiParty:
    """The suite's first client, at a broker under the profile."""
    return FapiParty(make_stack(profile="fapi2"))


def code_of(way: Way) -> str:
    assert "code" in way.answered, (way.answered, way.answer.body[-400:])
    return way.answered["code"]


@requirement("FAPI2SP-DISCOVERY-END-POINT-VERIFICATION")
def test_the_metadata_offers_what_the_profile_wants(app: FapiParty) -> None:
    told = app.party.metadata
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert "ES256" in told["token_endpoint_auth_signing_alg_values_supported"]
    assert "ES256" in told["dpop_signing_alg_values_supported"] and "S256" in told["code_challenge_methods_supported"]
    assert told["pushed_authorization_request_endpoint"] and told["authorization_response_iss_parameter_supported"]
    assert told["response_types_supported"] == ["code"] and "none" not in told["id_token_signing_alg_values_supported"]


@requirement("FAPI-10", "FAPI-12", "FAPI2SP-HAPPY-FLOW", "FAPI2SP-ENSURE-DPOP-AUTH-CODE-BINDING-SUCCESS")
@pytest.mark.parametrize("bound", [False, True])
def test_two_clients_sign_in(app: FapiParty, bound: bool) -> None:
    for client in (app, app.other()):
        pushed = client.push(dpop_jkt=client.proof.jkt if bound else None)
        assert 0 < pushed.json["expires_in"] < 600
        way = client.follow(pushed)
        assert way.answered["iss"] == client.issuer and "#" not in way.answer.location
        tokens = client.redeem(code_of(way)).json
        assert tokens["token_type"] == "DPoP" and client.party.verify(tokens["id_token"])["sub"]
        assert read_claims(tokens["access_token"])["cnf"] == {"jkt": client.proof.jkt}
        assert client.call(tokens["access_token"]).status == 200


@requirement("FAPI2SP-ENSURE-DPOPPROOF-AT-PAR-ENDPOINT-BINDING-SUCCESS")
def test_a_proof_at_the_par_endpoint_binds_the_code(app: FapiParty) -> None:
    way = app.follow(app.push(dpop=app.dpop("/par")))
    assert app.redeem(code_of(way)).status == 200
    stranger = FapiParty(app.stack, proof=ProofKey())
    again = app.follow(app.push(dpop=app.dpop("/par")))
    assert app.redeem(code_of(again), dpop=stranger.dpop("/token")).status == 400


@requirement("FAPI-12", "FAPI2SP-USER-REJECTS-AUTHENTICATION")
def test_a_user_who_refuses_is_told_to_the_client(app: FapiParty) -> None:
    way = app.follow(app.push(state="s" * 20), who="refuse")
    told = {name: way.answered[name] for name in ("error", "state", "iss")}
    assert told == {"error": "access_denied", "state": "s" * 20, "iss": app.issuer}


@requirement(
    "FAPI2SP-ENSURE-AUTHORIZATION-REQUEST-WITHOUT-STATE-SUCCESS",
    "FAPI2SP-ENSURE-AUTHORIZATION-REQUEST-WITHOUT-NONCE-SUCCESS",
    "FAPI2SP-ENSURE-AUTHORIZATION-REQUEST-WITH-64-CHAR-NONCE-SUCCESS",
    "FAPI2SP-ENSURE-OTHER-SCOPE-ORDER-SUCCEEDS",
    "FAPI2SP-TEST-CLAIMS-PARAMETER-IDENTITY-CLAIMS",
)
@pytest.mark.parametrize(
    "changed",
    [
        {"state": None},
        {"nonce": None},
        {"nonce": "n" * 64},
        {"scope": "email profile openid"},
        {"claims": '{"id_token": {"name": null}, "userinfo": {"email": null}}'},
    ],
    ids=["no state", "no nonce", "nonce of 64", "other order", "claims"],
)
def test_a_request_may_lack_or_hold_this(app: FapiParty, changed: dict[str, str | None]) -> None:
    way = app.follow(app.push(**changed))
    assert ("state" in way.answered) == (changed.get("state", "") is not None)
    claims = app.party.verify(app.redeem(code_of(way)).json["id_token"])
    assert ("nonce" in claims) == (changed.get("nonce", "") is not None)
    assert changed.get("nonce") in (None, claims.get("nonce"))


@requirement(
    "FAPI2SP-ENSURE-AUTHORIZATION-REQUEST-WITH-LONG-NONCE", "FAPI2SP-ENSURE-AUTHORIZATION-REQUEST-WITH-LONG-STATE"
)
@pytest.mark.parametrize("name", ["nonce", "state"])
def test_a_very_long_value_comes_back_whole_or_is_refused(app: FapiParty, name: str) -> None:
    long = "x" * 384
    pushed = app.push(**{name: long})
    if pushed.status != 201:
        assert refusal(pushed) == (400, "invalid_request")
        return
    way = app.follow(pushed)
    came = way.answered.get("state") if name == "state" else None
    assert (came or app.party.verify(app.redeem(code_of(way)).json["id_token"])["nonce"]) == long


@requirement(
    "FAPI-01",
    "FAPI2SP-ENSURE-DIFFERENT-NONCE-INSIDE-AND-OUTSIDE-REQUEST-OBJECT",
    "FAPI2SP-ENSURE-DIFFERENT-STATE-INSIDE-AND-OUTSIDE-REQUEST-OBJECT",
    "FAPI2SP-STATE-ONLY-OUTSIDE-REQUEST-OBJECT-NOT-USED",
    "FAPI2SP-PAR-WITHOUT-DUPLICATE-PARAMETERS",
)
@pytest.mark.parametrize("inside", ["inside", None])
def test_only_what_was_pushed_counts(app: FapiParty, inside: str | None) -> None:
    way = app.follow(app.push(state=inside, nonce=inside), state="outside", nonce="outside")
    assert way.answered.get("state") == inside
    assert app.party.verify(app.redeem(code_of(way)).json["id_token"]).get("nonce") == inside


@requirement("FAPI2SP-ACCESS-TOKEN-TYPE-HEADER-CASE-SENSITIVITY")
@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "DPoP"])
def test_the_scheme_may_be_written_in_any_case(app: FapiParty, scheme: str) -> None:
    assert app.call(app.sign_in()["access_token"], scheme=scheme).status == 200


@requirement(
    "FAPI2SP-CHECK-DPOP-PROOF-NBF-EXP",
    "FAPI2SP-ENSURE-DPOPPROOF-WITH-IAT-10SECONDS-BEFORE-SUCCEEDS",
    "FAPI2SP-ENSURE-DPOPPROOF-WITH-IAT-10SECONDS-AFTER-SUCCEEDS",
)
@pytest.mark.parametrize("moved", [{"nbf": 0, "exp": 300}, {"iat": -10}, {"iat": 10}], ids=str)
def test_a_proof_of_nearly_now_is_taken(app: FapiParty, moved: dict[str, int]) -> None:
    times = {name: app.stack.clock.now() + by for name, by in moved.items()}
    way = app.follow(app.push())
    tokens = app.redeem(code_of(way), dpop=app.dpop("/token", **times)).json
    assert app.call(tokens["access_token"], **times).status == 200


@requirement("FAPI2SP-ENSURE-MISMATCHED-DPOP-JKT-FAILS")
def test_a_proof_and_a_jkt_that_differ_are_refused_when_pushed(app: FapiParty) -> None:
    assert app.push(dpop=app.dpop("/par"), dpop_jkt=ProofKey().jkt).status == 400


@requirement(
    "FAPI-20",
    "FAPI2SP-ENSURE-TOKEN-ENDPOINT-FAILS-WITH-MISMATCHED-DPOP-PROOF-JKT",
    "FAPI2SP-ENSURE-TOKEN-ENDPOINT-FAILS-WITH-MISMATCHED-DPOP-JKT",
)
@pytest.mark.parametrize("by_proof", [True, False])
def test_a_code_bound_to_one_key_is_not_redeemed_by_another(app: FapiParty, by_proof: bool) -> None:
    pushed = app.push(dpop=app.dpop("/par")) if by_proof else app.push(dpop_jkt=app.proof.jkt)
    code = code_of(app.follow(pushed))
    app.proof = ProofKey()
    refused = app.redeem(code)
    assert refused.status == 400 and refused.json["error"] in ("invalid_dpop_proof", "invalid_grant")


IMPOSSIBLE: tuple[tuple[dict[str, str | None], str], ...] = (
    ({"redirect_uri": APP + "/unregistered"}, "invalid_request"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "v" * 43, "code_challenge_method": "plain"}, "invalid_request"),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:another"}, "invalid_request"),
)


@requirement(
    "FAPI-08",
    "FAPI-12",
    "FAPI-13",
    "FAPI2SP-ENSURE-REQUEST-OBJECT-WITHOUT-REDIRECT-URI-FAILS",
    "FAPI2SP-ENSURE-REDIRECT-URI-IN-AUTHORIZATION-REQUEST",
    "FAPI2SP-PLAIN-FAPI-TOLERATE-UNREGISTERED-REDIRECT-URI",
    "FAPI2SP-ENSURE-RESPONSE-TYPE-CODE-IDTOKEN-FAILS",
    "FAPI2SP-ENSURE-RESPONSE-TYPE-TOKEN-FAILS",
    "FAPI2SP-PAR-ENSURE-PKCE-REQUIRED",
    "FAPI2SP-PAR-PLAIN-PKCE-REJECTED",
    "FAPI2SP-PAR-AUTHORIZATION-REQUEST-CONTAINING-REQUEST-URI-FORM-PARAM",
)
def test_a_request_that_cannot_be_is_refused_when_it_is_pushed(app: FapiParty) -> None:
    for changed, error in IMPOSSIBLE:
        assert refusal(app.push(**changed)) == (400, error), changed


@requirement("FAPI2SP-ENSURE-UNSIGNED-AUTHORIZATION-REQUEST-WITHOUT-USING-PAR-FAILS")
def test_a_request_that_was_not_pushed_is_refused(app: FapiParty) -> None:
    way = app.party.ask()
    assert "code" not in way.answered and way.trips == 0
    assert way.answered.get("error", "invalid_request") == "invalid_request"


@requirement("FAPI2SP-ENSURE-CLIENT-ID-IN-TOKEN-ENDPOINT", "FAPI2SP-ENSURE-CLIENT-ASSERTION-IN-TOKEN-ENDPOINT")
def test_a_token_request_must_prove_who_asks(app: FapiParty) -> None:
    code = code_of(app.follow(app.push()))
    assert refusal(app.redeem(code, asserted={})) in ((400, "invalid_request"), (401, "invalid_client"))
    assert refusal(app.redeem(code, asserted={}, client_id=app.client.client_id)) == (401, "invalid_client")
    assert app.redeem(code, client_id=app.other().client.client_id).status in (400, 401)


@requirement("FAPI2SP-ENSURE-HOLDER-OF-KEY-REQUIRED")
def test_a_token_request_must_prove_a_key(app: FapiParty) -> None:
    assert refusal(app.redeem(code_of(app.follow(app.push())), dpop=None)) == (400, "invalid_dpop_proof")


@requirement("FAPI2SP-ENSURE-AUTHORIZATION-CODE-IS-BOUND-TO-CLIENT")
def test_another_client_cannot_redeem_a_code(app: FapiParty) -> None:
    assert refusal(app.other().redeem(code_of(app.follow(app.push())))) == (400, "invalid_grant")


@requirement("FAPI-20", "FAPI2SP-ATTEMPT-REUSE-AUTHORIZATION-CODE-AFTER-ONE-SECOND")
def test_a_code_used_again_a_second_later_ends_what_it_gave(app: FapiParty) -> None:
    code = code_of(app.follow(app.push()))
    token = app.redeem(code).json["access_token"]
    app.stack.clock.advance(1)
    assert refusal(app.redeem(code)) == (400, "invalid_grant")
    assert app.call(token).status == 401


@requirement("FAPI-06", "FAPI2SP-ENSURE-TOKEN-ENDPOINT-FAILS-WITH-EXPIRED-AUTH-CODE")
def test_a_code_is_over_after_a_minute(app: FapiParty) -> None:
    code = code_of(app.follow(app.push()))
    app.stack.clock.advance(60)
    assert refusal(app.redeem(code)) == (400, "invalid_grant")


@requirement("FAPI-13", "FAPI2SP-ENSURE-PKCE-CODE-VERIFIER-REQUIRED", "FAPI2SP-INCORRECT-PKCE-CODE-VERIFIER-REJECTED")
@pytest.mark.parametrize("verifier", [None, "w" * 43])
def test_a_code_wants_its_verifier(app: FapiParty, verifier: str | None) -> None:
    refused = app.redeem(code_of(app.follow(app.push())), code_verifier=verifier)
    assert refused.status == 400 and refused.json["error"] in ("invalid_request", "invalid_grant")


WRONG: dict[str, dict[str, Any]] = {
    "ended five minutes ago": {"iat": -600, "exp": -300},
    "begins in more than a minute": {"iat": 70, "nbf": 70, "exp": 130},
    "for somebody else": {"aud": "https://other.example"},
    "for the token endpoint": {"aud": "/token"},
    "for the PAR endpoint": {"aud": "/par"},
    "for the PAR endpoint in a list": {"aud": ["/par"]},
    "for us in a list": {"aud": [""]},
    "for us and another": {"aud": ["", "https://other.example"]},
    "without subject": {"sub": None},
    "without issuer": {"iss": None},
    "without end": {"exp": None},
    "without name": {"jti": None},
}


def placed(app: FapiParty, claims: dict[str, Any]) -> dict[str, Any]:
    """Times from now, and addresses from our issuer on."""

    def place(value: Any) -> Any:
        if isinstance(value, list):
            return [place(one) for one in value]
        if isinstance(value, int):
            return app.stack.clock.now() + value
        return app.issuer + value if isinstance(value, str) and not value.startswith("https:") else value

    return {name: place(value) for name, value in claims.items()}


@requirement(
    "FAPI-03",
    "FAPI2SP-ENSURE-CLIENT-ASSERTION-WITH-EXP-IS-5-MINUTES-IN-PAST-FAILS",
    "FAPI2SP-ENSURE-CLIENT-ASSERTION-WITH-WRONG-AUD-FAILS",
    "FAPI2SP-ENSURE-CLIENT-ASSERTION-WITH-NO-SUB-FAILS",
    "FAPI2SP-ENSURE-INVALID-CLIENT-ASSERTIONS-FAIL",
)
def test_wrong_assertions_are_refused_at_both_endpoints(app: FapiParty) -> None:
    code = code_of(app.follow(app.push()))
    for name, wrong in WRONG.items():
        claims = placed(app, wrong)
        assert app.push(asserted=app.assertion(**claims)).json["error"] == "invalid_client", name
        assert app.redeem(code, asserted=app.assertion(**claims)).json["error"] == "invalid_client", name
    early = app.assertion(**placed(app, {"iat": 8, "nbf": 8}))
    assert app.redeem(code, asserted=early).status == 200, "eight seconds ahead are taken"


@requirement("FAPI2SP-ENSURE-SIGNED-CLIENT-ASSERTION-WITH-RS256-FAILS")
def test_an_assertion_of_an_algorithm_that_does_not_fit_the_key_is_refused(app: FapiParty) -> None:
    claims = {"iss": app.client.client_id, "sub": app.client.client_id, "aud": app.issuer, "jti": "j" * 20}
    now = app.stack.clock.now()
    signed = app.signed_otherwise("RS256", {**claims, "iat": now, "exp": now + 60})
    refused = app.push(asserted={**app.assertion(), "client_assertion": signed})
    assert refusal(refused) == (401, "invalid_client")


@requirement("FAPI-21", "FAPI2SP-DPOP-NEGATIVE-TESTS")
def test_a_resource_refuses_what_no_proof_is(app: FapiParty) -> None:
    token = app.sign_in()["access_token"]
    now = app.stack.clock.now()
    for wrong in ({"htm": "POST"}, {"htu": app.issuer + "/other"}, {"iat": now - 3600}, {"iat": now + 3600}):
        assert app.call(token, **wrong).status == 401, wrong
    for missing in ("htm", "htu", "iat", "jti", "ath"):
        assert app.call(token, **{missing: None}).status == 401, missing
    assert app.call(token, ath="x" * 43).status == 401
    assert app.call(token, scheme="Bearer").status == 401
    bare = request(app.stack.netloc, "GET", "/userinfo", headers={"Authorization": f"DPoP {token}"})
    assert bare.status == 401
    proof = {"DPoP": app.dpop("/userinfo", "GET", token=token)}
    query = request(app.stack.netloc, "GET", "/userinfo?" + urlencode({"access_token": token}), headers=proof)
    assert query.status in (400, 401)
    assert FapiParty(app.stack).call(token).status == 401, "somebody else's key"
    assert (app.call(token, jti="once" * 5).status, app.call(token, jti="once" * 5).status) == (200, 401)


@requirement("FAPI2SP-REFRESH-TOKEN")
def test_a_refresh_wants_its_client_and_its_key(app: FapiParty) -> None:
    tokens = app.sign_in(scope="openid offline_access", prompt="consent")
    held = tokens["refresh_token"]
    assert refusal(app.other().refresh(held)) == (400, "invalid_grant")
    assert refusal(app.refresh(held, asserted={})) in ((400, "invalid_request"), (401, "invalid_client"))
    assert refusal(app.refresh(held, dpop=None)) == (400, "invalid_dpop_proof")
    fresh = app.refresh(held).json
    assert fresh["token_type"] == "DPoP" and app.call(fresh["access_token"]).status == 200
    before, after = (app.party.verify(one["id_token"]) for one in (tokens, fresh))
    assert all(before[name] == after[name] for name in ("iss", "sub", "aud", "auth_time"))
    app.stack.clock.advance(20)
    assert app.refresh(held).status == 200, "who has missed the answer may ask again"


@requirement("FAPI2SP-PAR-ENSURE-REUSED-REQUEST-URI-PRIOR-TO-AUTH-COMPLETION-SUCCEEDS")
def test_a_reference_may_be_opened_again_by_its_browser_until_the_sign_in_is_done(app: FapiParty) -> None:
    asked = {"client_id": app.client.client_id, "request_uri": app.push().json["request_uri"]}
    assert app.stack.authorize(asked, app.party.browser).status == 200
    assert "code" in app.party.follow(asked).answered


@requirement("FAPI-10", "FAPI2SP-PAR-ATTEMPT-REUSE-REQUEST-URI", "FAPI2SP-PAR-ATTEMPT-TO-USE-EXPIRED-REQUEST-URI")
@pytest.mark.parametrize("used", [True, False])
def test_a_reference_that_is_used_or_over_leads_nowhere(app: FapiParty, used: bool) -> None:
    pushed = app.push()
    asked = {"client_id": app.client.client_id, "request_uri": pushed.json["request_uri"]}
    if used:
        app.redeem(code_of(app.party.follow(asked)))
    app.stack.clock.advance(1 if used else pushed.json["expires_in"] + 1)
    way = app.party.follow(asked)
    assert "code" not in way.answered and way.trips == 0


@requirement("FAPI2SP-PAR-ATTEMPT-TO-USE-REQUEST-URI-FOR-DIFFERENT-CLIENT")
def test_a_reference_is_its_clients_own(app: FapiParty) -> None:
    way = app.other().follow(app.push())
    assert "code" not in way.answered and way.trips == 0


@requirement("FAPI2SP-PAR-ATTEMPT-INVALID-HTTP-METHOD")
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_par_endpoint_takes_post_alone(app: FapiParty, method: str) -> None:
    assert request(app.stack.netloc, method, "/par").status in (403, 404, 405)
