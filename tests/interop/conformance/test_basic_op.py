"""The modules of the plans `oidcc-config-certification-test-plan` and `oidcc-basic-certification-test-plan`.

Every request holds PKCE, which the suite's do not; docs/conformance/README.md says what follows from that.
"""

import base64
import hashlib
import json
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from tests.interop.conformance.party import Party, Way
from tests.kit.http.browser import FORM, request
from tests.kit.http.stack import APP, Stack
from tests.kit.http.tokens import refusal
from tests.kit.requirement import requirement


def claims_of(party: Party, way: Way) -> dict[str, object]:
    """The ID token behind a code."""
    return party.verify(party.redeem(way).json["id_token"])


def encode(document: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(**claims: object) -> str:
    """A request object of nobody's."""
    return f"{encode({'alg': 'none'})}.{encode(claims)}."


@requirement("OIDCC-DISCOVERY-ENDPOINT-VERIFICATION")
def test_the_discovery_document_holds_what_discovery_wants(party: Party) -> None:
    answer = party.stack.get("/.well-known/openid-configuration")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    document = answer.json
    assert document["issuer"] == party.stack.settings.issuer
    assert "code" in document["response_types_supported"] and "authorization_code" in document["grant_types_supported"]
    assert set(document["subject_types_supported"]) <= {"public", "pairwise"}
    assert document["id_token_signing_alg_values_supported"] and document["claims_supported"]
    assert "openid" in document["scopes_supported"] and isinstance(document["code_challenge_methods_supported"], list)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert urlsplit(document[name]).path and document[name].startswith(document["issuer"] + "/")
    keys = party.stack.get(urlsplit(document["jwks_uri"]).path).json["keys"]
    assert keys and not any({"d", "p", "q", "k"} & key.keys() for key in keys)


@requirement("OIDCC-SERVER", "OIDCC-IDTOKEN-SIGNATURE")
def test_the_code_flow_ends_with_an_id_token_that_verifies(party: Party) -> None:
    way = party.ask(nonce="n-0S6_WzA2Mj")
    answer = party.redeem(way)
    tokens = answer.json
    assert answer.header("cache-control") == "no-store" and tokens["token_type"].lower() == "bearer"
    claims = party.verify(tokens["id_token"])
    assert claims["nonce"] == "n-0S6_WzA2Mj" and len(str(claims["sub"])) <= 255
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert jwt.get_unverified_header(tokens["id_token"])["kid"]
    assert party.userinfo(tokens["access_token"]).json["sub"] == claims["sub"]


@requirement("OIDCC-SERVER-CLIENT-SECRET-POST")
def test_the_same_with_the_secret_in_the_body(stack: Stack) -> None:
    _, claims = Party(stack, "client_secret_post").sign_in()
    assert claims["sub"]


@requirement("OIDCC-IDTOKEN-UNSIGNED")
def test_no_id_token_is_offered_without_a_signature(party: Party) -> None:
    assert "none" not in party.metadata["id_token_signing_alg_values_supported"]


@requirement("OIDCC-RESPONSE-TYPE-MISSING")
def test_a_request_without_response_type_is_refused(party: Party) -> None:
    way = party.ask(response_type=None)
    assert way.answered.get("error") in ("invalid_request", "unsupported_response_type"), way.answer.body[-300:]


@requirement("OIDCC-USERINFO-GET", "OIDCC-USERINFO-POST-HEADER")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_answers_a_token_in_the_header(party: Party, method: str) -> None:
    tokens, claims = party.sign_in()
    answer = party.userinfo(tokens["access_token"], method)
    assert (answer.status, answer.json["sub"]) == (200, claims["sub"])


@requirement("OIDCC-USERINFO-POST-BODY")
def test_userinfo_takes_no_token_out_of_a_body_and_says_so(party: Party) -> None:
    tokens, _ = party.sign_in()
    body = urlencode({"access_token": tokens["access_token"]})
    refused = request(party.stack.netloc, "POST", "/userinfo", body=body, headers={"Content-Type": FORM})
    assert (refused.status, "sub" in refused.json) == (401, False)
    assert party.stack.get("/.well-known/oauth-protected-resource").json["bearer_methods_supported"] == ["header"]


@requirement("OIDCC-ENSURE-REQUEST-WITHOUT-NONCE-SUCCEEDS-FOR-CODE-FLOW")
def test_a_request_without_nonce_succeeds(party: Party) -> None:
    _, claims = party.sign_in(nonce=None)
    assert "nonce" not in claims


@requirement("OIDCC-SCOPE-PROFILE", "OIDCC-SCOPE-EMAIL", "OIDCC-SCOPE-ALL", "OIDCC-ALTERNATE-HAPPY-FLOW")
@pytest.mark.parametrize(
    ("scope", "has"),
    [
        ("openid profile", {"name"}),
        ("openid email", {"email", "email_verified"}),
        ("openid profile email", {"name", "email"}),
        ("email profile openid", {"name", "email"}),
    ],
)
def test_a_scope_brings_its_claims_in_any_order(party: Party, scope: str, has: set[str]) -> None:
    tokens, claims = party.sign_in(scope=scope, state="s" * 128)
    told = party.userinfo(tokens["access_token"]).json
    assert told["sub"] == claims["sub"] and has <= told.keys()
    assert ("email" in told) == ("email" in scope)


@requirement("OIDCC-SCOPE-ADDRESS", "OIDCC-SCOPE-PHONE")
@pytest.mark.parametrize("scope", ["address", "phone"])
def test_scopes_that_no_provider_gives_are_neither_listed_nor_granted(party: Party, scope: str) -> None:
    assert scope not in party.metadata["scopes_supported"]
    assert party.ask(scope=f"openid {scope}").answered["error"] == "invalid_scope"


@requirement(
    "OIDCC-DISPLAY-PAGE",
    "OIDCC-DISPLAY-POPUP",
    "OIDCC-ENSURE-REQUEST-WITH-UNKNOWN-PARAMETER-SUCCEEDS",
    "OIDCC-LOGIN-HINT",
    "OIDCC-UI-LOCALES",
    "OIDCC-CLAIMS-LOCALES",
    "OIDCC-ENSURE-REQUEST-WITH-ACR-VALUES-SUCCEEDS",
)
@pytest.mark.parametrize(
    "more",
    [
        {"display": "page"},
        {"display": "popup"},
        {"extra": "foobar"},
        {"login_hint": "alice@example.com"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_may_be_ignored_disturbs_nothing(party: Party, more: dict[str, str]) -> None:
    _, claims = party.sign_in(**more)
    assert claims["sub"]


@requirement("OIDCC-PROMPT-NONE-NOT-LOGGED-IN")
def test_silence_without_a_session_is_login_required(party: Party) -> None:
    way = party.ask(prompt="none")
    assert (way.answered["error"], way.trips) == ("login_required", 0)
    assert way.answered["state"] == way.asked["state"]


@requirement("OIDCC-PROMPT-NONE-LOGGED-IN", "OIDCC-ID-TOKEN-HINT")
@pytest.mark.parametrize("hinted", [False, True])
def test_silence_with_a_session_is_the_same_user_of_the_same_login(party: Party, hinted: bool) -> None:
    tokens, first = party.sign_in()
    party.stack.clock.advance(2)
    way = party.ask(prompt="none", id_token_hint=tokens["id_token"] if hinted else None)
    second = claims_of(party, way)
    assert way.trips == 0 and (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


@requirement("OIDCC-PROMPT-LOGIN", "OIDCC-MAX-AGE-1")
@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "1"}], ids=lambda asked: next(iter(asked)))
def test_a_login_that_is_asked_for_takes_place_and_is_newer(party: Party, asked: dict[str, str]) -> None:
    _, first = party.sign_in()
    party.stack.clock.advance(2)
    way = party.ask(**asked)
    second = claims_of(party, way)
    assert way.trips == 1 and second["sub"] == first["sub"] and second["auth_time"] >= first["auth_time"]


@requirement("OIDCC-MAX-AGE-10000")
def test_a_login_young_enough_is_taken_and_dated(party: Party) -> None:
    _, first = party.sign_in(max_age="10000")
    party.stack.clock.advance(1)
    way = party.ask(max_age="10000")
    second = claims_of(party, way)
    assert way.trips == 0 and second["auth_time"] == first["auth_time"]


@requirement("OIDCC-CODEREUSE", "OIDCC-CODEREUSE-30SECONDS")
@pytest.mark.parametrize("seconds", [0, 30])
def test_a_code_used_again_is_refused_and_ends_what_it_gave(party: Party, seconds: int) -> None:
    way = party.ask()
    tokens = party.redeem(way).json
    party.stack.clock.advance(seconds)
    assert refusal(party.redeem(way)) == (400, "invalid_grant")
    assert party.stack.userinfo(tokens["access_token"]).status == 401


@requirement("OIDCC-ENSURE-REGISTERED-REDIRECT-URI")
def test_an_unregistered_redirect_uri_is_told_to_the_user_alone(party: Party) -> None:
    way = party.ask(redirect_uri=APP + "/other")
    assert way.answer.status == 400 and way.answer.location == ""


@requirement("OIDCC-ENSURE-POST-REQUEST-SUCCEEDS")
def test_a_request_by_post_succeeds(party: Party) -> None:
    assert claims_of(party, party.ask(post=True))["sub"]


@requirement("OIDCC-REQUEST-URI-UNSIGNED-SUPPORTED-CORRECTLY-OR-REJECTED-AS-UNSUPPORTED")
def test_a_request_uri_is_refused_as_unsupported(party: Party) -> None:
    way = party.ask(request_uri="https://app.example/request.jwt")
    assert way.answered["error"] in ("request_uri_not_supported", "invalid_request_uri")


@requirement(
    "OIDCC-UNSIGNED-REQUEST-OBJECT-SUPPORTED-CORRECTLY-OR-REJECTED-AS-UNSUPPORTED",
    "OIDCC-ENSURE-REQUEST-OBJECT-WITH-REDIRECT-URI",
)
def test_a_request_object_is_refused_as_unsupported(party: Party) -> None:
    way = party.ask(request=unsigned(redirect_uri=APP, client_id=party.client.client_id))
    assert way.answered.get("error") == "request_not_supported"


@requirement("OIDCC-CLAIMS-ESSENTIAL")
def test_an_essential_claim_is_told(party: Party) -> None:
    tokens, _ = party.sign_in(claims='{"userinfo": {"name": {"essential": true}}}')
    assert party.userinfo(tokens["access_token"]).json["name"]


@requirement("OIDCC-REFRESH-TOKEN")
def test_a_refresh_gives_an_id_token_of_the_same_login(party: Party) -> None:
    tokens, first = party.sign_in(scope="openid offline_access", prompt="consent")
    party.stack.clock.advance(2)
    fresh = party.stack.token(
        party.client, party.secret, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    ).json
    second = party.verify(fresh["id_token"])
    assert all(second[name] == first[name] for name in ("iss", "sub", "aud", "auth_time"))
    assert second["iat"] > first["iat"] and second.get("nonce") in (None, first["nonce"])
    other = Party(party.stack)
    stolen = party.stack.token(
        other.client, other.secret, grant_type="refresh_token", refresh_token=fresh["refresh_token"]
    )
    assert refusal(stolen) == (400, "invalid_grant")


@requirement("OIDCC-ENSURE-REQUEST-WITH-VALID-PKCE-SUCCEEDS")
def test_pkce_is_taken_and_a_wrong_verifier_is_not(party: Party) -> None:
    assert refusal(party.redeem(party.ask(), code_verifier="w" * 43)) == (400, "invalid_grant")
    assert party.sign_in()[1]["sub"]
