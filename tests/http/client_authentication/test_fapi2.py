"""BROKER_PROFILE=fapi2: what the FAPI 2.0 Security Profile (Final) demands beyond its conformance suite.

tests/interop/conformance/test_fapi2_sp.py proves the rest.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.config import ConfigurationError, read_settings
from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.client import Client, RegistrationPolicy
from chalicelib.records.item_keys import client_item_key
from tests.kit.http.assertions import KEY, new_key
from tests.kit.http.bound import Holder
from tests.kit.http.browser import Answer, request
from tests.kit.http.device import GRANTS
from tests.kit.http.fapi_party import FapiParty
from tests.kit.http.pushing import push
from tests.kit.http.stack import APP, EXCHANGE, Stack
from tests.kit.http.tokens import read, read_claims, refusal
from tests.kit.jose.proofs import key_of
from tests.kit.registration.initial_token import token_for
from tests.kit.requirement import requirement

ITSELF = frozenset({"client_credentials"})
KEYED: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}
LIMITED = ["ES256", "EdDSA", "Ed25519", "PS256"]
OFFLINE = "openid offline_access"


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A broker under the profile."""
    return make_stack(profile="fapi2", registration="open")


@pytest.fixture
def app(stack: Stack) -> FapiParty:
    """A client that fits, and says nothing of pushed requests or proofs in its registration."""
    party = FapiParty(stack)
    party.party.client, _ = stack.client(**KEYED)
    return party


def sign_in_offline(app: FapiParty) -> dict[str, Any]:
    return app.sign_in(scope=OFFLINE, prompt="consent")


def for_itself(stack: Stack, client: Client, secret: str | None = None, **more: Any) -> Answer:
    """A token request of a client for itself, with a proof unless `headers` say otherwise."""
    sent = {"headers": Holder(stack).proof(), **more}
    return stack.token(client, secret, grant_type="client_credentials", **sent)


@requirement("FAPI-01")
def test_no_request_but_a_pushed_one_is_taken(app: FapiParty) -> None:
    way = app.party.ask()
    assert (way.answered["error"], way.trips) == ("invalid_request", 0)
    assert "code" in app.follow(app.push()).answered


@requirement("FAPI-02")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_only_clients_with_a_key_of_their_own_are_served(stack: Stack, method: str) -> None:
    client, secret = stack.client(token_endpoint_auth_method=method, grant_types=GRANTS | ITSELF)
    answers = [
        push(stack, client, secret),
        for_itself(stack, client, secret),
        stack.token(client, secret, grant_type="refresh_token", refresh_token="x"),
        stack.post("/device_authorization", client, secret),
        stack.post("/revoke", client, secret, token="x"),
    ]
    if secret:
        answers.append(stack.post("/introspect", client, secret, token="x"))
        assert refusal(for_itself(stack, client, "wrong" * 8)) == (401, "invalid_client")
    for answer in answers:
        assert refusal(answer) == (400, "unauthorized_client"), answer.body
        assert "FAPI 2.0" in answer.json["error_description"]
    assert '"reason":"client_without_private_key_jwt"' in stack.log.getvalue()
    page = stack.authorize(stack.authorize_parameters(client))
    assert page.status == 400 and "meet our security rules" in page.body and not page.location


@requirement("FAPI-02")
def test_a_client_that_fits_from_now_on_is_served_at_once(stack: Stack) -> None:
    client, _ = stack.client(token_endpoint_auth_signing_alg="RS256", grant_types=ITSELF, **KEYED)
    assert refusal(for_itself(stack, client)) == (400, "unauthorized_client")
    found = read(stack, client_item_key(client.client_id))
    fits = msgspec.structs.replace(found, token_endpoint_auth_signing_alg=None, revision=2)
    stack.broker.store.put_client(fits, expected_revision=1)
    assert for_itself(stack, fits).status == 200


@requirement("FAPI-04")
def test_every_token_is_bound_to_a_key(app: FapiParty) -> None:
    stack, code = app.stack, app.follow(app.push(scope=OFFLINE, prompt="consent")).answered["code"]
    assert refusal(app.redeem(code, dpop=None)) == (400, "invalid_dpop_proof")
    tokens = app.redeem(code).json
    assert refusal(app.refresh(tokens["refresh_token"], dpop=None)) == (400, "invalid_dpop_proof")
    itself, _ = stack.client(grant_types=ITSELF, **KEYED)
    assert refusal(for_itself(stack, itself, headers={})) == (400, "invalid_dpop_proof")
    for answer in (tokens, app.refresh(tokens["refresh_token"]).json, for_itself(stack, itself).json):
        assert answer["token_type"] == "DPoP" and set(read_claims(answer["access_token"])["cnf"]) == {"jkt"}


@requirement("FAPI-04")
def test_a_token_that_is_not_bound_opens_nothing_any_more(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    sign_in = stack.sign_in(*stack.client(**KEYED))
    token = stack.redeem(sign_in).json["access_token"]
    assert stack.userinfo(token).status == 200
    server, _ = stack.client(
        redirect_uris=(), grant_types=frozenset(), serves=frozenset({stack.settings.issuer}), **KEYED
    )
    assert stack.post("/introspect", server, token=token).json["active"] is True
    stack.restart(profile="fapi2")
    refused = stack.userinfo(token)
    assert refusal(refused) == (401, "invalid_token")
    described = f'resource_metadata="{stack.settings.issuer}/.well-known/oauth-protected-resource"'
    assert refused.challenge == (
        f'DPoP realm="broker", error="invalid_token", {described}, algs="ES256 EdDSA Ed25519 PS256"'
    )
    assert stack.post("/introspect", server, token=token).json == {"active": False}
    asked = stack.exchange(sign_in, token, headers=Holder(stack).proof())
    assert refusal(asked) == (400, "invalid_request")


@requirement("FAPI-05", "REF-02")
def test_a_refresh_token_stays_the_same(app: FapiParty) -> None:
    tokens = sign_in_offline(app)
    held = tokens["refresh_token"]
    for _ in range(3):
        app.stack.clock.advance(60)
        answer = app.refresh(held)
        assert (answer.status, answer.json["refresh_token"]) == (200, held)
        assert app.call(answer.json["access_token"]).status == 200
    stranger = FapiParty(app.stack, new_key())
    assert refusal(stranger.refresh(held)) == (400, "invalid_grant")
    assert app.refresh(held).status == 200, "nobody else's try ends it"


@requirement("FAPI-05", "REF-02")
def test_a_token_that_was_replaced_before_still_ends_its_grant(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    app = FapiParty(stack)
    first = sign_in_offline(app)["refresh_token"]
    second = app.refresh(first).json["refresh_token"]
    assert second != first
    stack.restart(profile="fapi2")
    stack.clock.advance(31)
    assert app.refresh(second).json["refresh_token"] == second
    stack.clock.advance(1)
    assert refusal(app.refresh(first)) == (400, "invalid_grant")
    assert refusal(app.refresh(second)) == (400, "invalid_grant"), "it was a copy that came back"


@requirement("FAPI-07")
def test_a_clock_may_be_ten_seconds_ahead_and_not_more_than_sixty(app: FapiParty) -> None:
    now = app.stack.clock.now()
    for name in ("iat", "nbf"):
        assert app.push(asserted=app.assertion(**{name: now + 10})).status == 201
        late = app.assertion(**{name: now + 61, "exp": now + 120})
        assert refusal(app.push(asserted=late)) == (401, "invalid_client")
    assert app.push(dpop=app.dpop("/par", iat=now + 10)).status == 201
    assert refusal(app.push(dpop=app.dpop("/par", iat=now + 61))) == (400, "invalid_dpop_proof")


@requirement("FAPI-09")
def test_no_answer_goes_unencrypted_but_to_the_users_own_machine(stack: Stack) -> None:
    place = ("http://127.0.0.1:7000/cb",)
    web, _ = stack.client(redirect_uris=place, **KEYED)
    assert refusal(push(stack, web)) == (400, "unauthorized_client")
    page = stack.authorize(stack.authorize_parameters(web))
    assert (page.status, page.location) == (400, "")
    native, _ = stack.client(redirect_uris=place, application_type="native", **KEYED)
    assert push(stack, native).status == 201
    plain, _ = stack.client(redirect_uris=("http://app.example/cb",), application_type="native", **KEYED)
    assert refusal(push(stack, plain)) == (400, "unauthorized_client")


@requirement("FAPI-11")
@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
def test_an_assertion_by_another_algorithm_is_refused(stack: Stack, algorithm: str) -> None:
    key = new_key(algorithm)
    client, _ = stack.client(jwks=(key.public,), grant_types=ITSELF, **KEYED)
    party = FapiParty(stack, key)
    party.party.client = client
    asserted = party.assertion()
    assert refusal(for_itself(stack, client, **asserted)) == (401, "invalid_client")
    bound_to_it, _ = stack.client(jwks=(key.public,), token_endpoint_auth_signing_alg=algorithm, **KEYED)
    assert refusal(push(stack, bound_to_it)) == (400, "unauthorized_client")


@requirement("FAPI-11", "FAPI2SP-ENSURE-SIGNED-CLIENT-ASSERTION-WITH-RS256-FAILS")
@pytest.mark.parametrize("algorithm", LIMITED)
def test_assertions_by_each_algorithm_of_the_profile_are_taken(stack: Stack, algorithm: str) -> None:
    app = FapiParty(stack, new_key(algorithm))
    assert app.push().status == 201


@requirement("FAPI-11")
def test_proofs_are_taken_by_the_algorithms_of_the_profile_alone(app: FapiParty) -> None:
    for kind, status in (("ec", 201), ("ed", 201), ("rsa", 201), ("ec384", 400), ("ec521", 400)):
        app.proof = key_of(kind)
        assert app.push(dpop=app.dpop("/par")).status == status, kind


@requirement("FAPI-14")
def test_every_redirect_is_a_303_to_what_is_registered(app: FapiParty) -> None:
    stack, browser = app.stack, app.stack.browser()
    asked = {"client_id": app.client.client_id, "request_uri": app.push().json["request_uri"]}
    posted = browser.post("/authorize", asked)
    page = browser.get(posted.location)
    left = stack.decide(browser, page, provider="demo")
    assert (posted.status, page.status, left.status) == (303, 200, 200) and not left.location.startswith(APP)
    answer = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert answer.status == 303 and answer.location.startswith(APP + "?")
    assert refusal(app.push(redirect_uri="https://evil.example/cb")) == (400, "invalid_request")


@requirement("FAPI-15", "META-02")
def test_the_metadata_says_exactly_what_is_left(stack: Stack) -> None:
    told = stack.get("/.well-known/oauth-authorization-server").json
    for part in ("token", "revocation", "introspection"):
        assert told[f"{part}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert told[f"{part}_endpoint_auth_signing_alg_values_supported"] == LIMITED
    assert told["dpop_signing_alg_values_supported"] == LIMITED
    assert told["id_token_signing_alg_values_supported"] == ["ES256"]
    assert told["require_pushed_authorization_requests"] is True
    assert told["response_types_supported"] == ["code"] and told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_modes_supported"] == ["query", "form_post"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials", EXCHANGE]
    assert "device_authorization_endpoint" not in told
    resource = stack.get("/.well-known/oauth-protected-resource").json
    assert resource["dpop_bound_access_tokens_required"] is True
    assert resource["dpop_signing_alg_values_supported"] == LIMITED and resource["bearer_methods_supported"] == [
        "header"
    ]


@requirement("FAPI-16")
def test_settings_that_contradict_the_profile_are_all_said_at_once() -> None:
    good = {"BROKER_ISSUER": "https://broker.example", "BROKER_PROFILE": "fapi2"}
    settings = read_settings(good)
    assert settings.is_fapi2 and settings.wants_pushed and settings.code_seconds <= 60
    wrong = {
        "BROKER_CODE_SECONDS": "61",
        "BROKER_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": "false",
        "BROKER_OPEN_REGISTRATION_DEVICE": "true",
    }
    with pytest.raises(ConfigurationError) as refused:
        read_settings({**good, **wrong})
    assert len(refused.value.faults) == 3
    for name, fault in zip(wrong, refused.value.faults, strict=True):
        assert name in fault and "BROKER_PROFILE=fapi2" in fault
        assert "leave it out" in fault or "at most 60" in fault
    plain = {name: value for name, value in wrong.items() if name != "BROKER_PROFILE"}
    assert read_settings({"BROKER_ISSUER": good["BROKER_ISSUER"], **plain}).code_seconds == 61
    fitting = {"BROKER_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS": "true", "BROKER_CODE_SECONDS": "60"}
    assert read_settings({**good, **fitting}).wants_pushed


UNFIT: dict[str, dict[str, Any]] = {
    "public": {"token_endpoint_auth_method": "none"},
    "without a word": {"token_endpoint_auth_method": None},
    "with a secret": {"token_endpoint_auth_method": "client_secret_post"},
    "RS256": {"token_endpoint_auth_signing_alg": "RS256", "jwks": {"keys": [new_key("RS256").public]}},
    "loopback of a web app": {"redirect_uris": ["http://127.0.0.1/cb"], "application_type": "web"},
}


@requirement("FAPI-17")
def test_only_what_fits_can_be_registered(stack: Stack) -> None:
    good = {"redirect_uris": [APP], "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}}
    for name, wrong in UNFIT.items():
        document = {key: value for key, value in {**good, **wrong}.items() if value is not None}
        if document.get("token_endpoint_auth_method") != "private_key_jwt":
            del document["jwks"]
        error = "invalid_redirect_uri" if "redirect_uris" in wrong else "invalid_client_metadata"
        assert refusal(register(stack, document)) == (400, error), name
    made = register(stack, {**good, "dpop_bound_access_tokens": False})
    assert made.status == 201
    assert made.json["dpop_bound_access_tokens"] and made.json["require_pushed_authorization_requests"]
    own = {"Authorization": f"Bearer {made.json['registration_access_token']}"}
    place = made.json["registration_client_uri"].removeprefix(stack.settings.issuer)
    public = {"client_id": made.json["client_id"], "redirect_uris": [APP], "token_endpoint_auth_method": "none"}
    assert refusal(register(stack, public, "PUT", place, **own)) == (400, "invalid_client_metadata")
    kept = register(stack, {**good, "client_id": made.json["client_id"]}, "PUT", place, **own)
    assert kept.status == 200 and kept.json["dpop_bound_access_tokens"]


def register(stack: Stack, document: Any, method: str = "POST", path: str = "/register", **headers: str) -> Answer:
    body = msgspec.json.encode(document).decode()
    return request(stack.netloc, method, path, body=body, headers={"Content-Type": "application/json", **headers})


@requirement("FAPI-18")
def test_no_device_and_no_password_gets_a_token(app: FapiParty) -> None:
    app.party.client, _ = app.stack.client(grant_types=GRANTS, **KEYED)
    assert refusal(app.post("/device_authorization", {"scope": "openid"}, dpop=None)) == (400, "unauthorized_client")
    for grant_type in (DEVICE_CODE, "password", "implicit"):
        form: dict[str, str | None] = {"grant_type": grant_type, "device_code": "x", "username": "a", "password": "b"}
        assert refusal(app.post("/token", form, dpop=app.dpop("/token"))) == (400, "unsupported_grant_type")
    policy = RegistrationPolicy(
        grant_types=frozenset({"authorization_code", DEVICE_CODE}), auth_methods=frozenset({"private_key_jwt"})
    )
    document = {"grant_types": ["authorization_code", DEVICE_CODE], "redirect_uris": [APP], **KEYED}
    admitted = {"Authorization": f"Bearer {token_for(app.stack, policy)}"}
    document["jwks"] = {"keys": [KEY.public]}
    refused = register(app.stack, {**document, "grant_types": [DEVICE_CODE]}, **admitted)
    assert refusal(refused) == (400, "invalid_client_metadata")
    assert register(app.stack, document, **admitted).json["grant_types"] == ["authorization_code"]


@requirement("FAPI-19")
def test_a_browser_comes_to_the_authorization_endpoint_and_no_script_does(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(profile="fapi2")
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = request(stack.netloc, method, "/authorize", headers=asked)
        assert answer.header("access-control-allow-origin") is None
