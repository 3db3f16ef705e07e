"""Discovery against enforcement, in both directions: what is advertised works, what is not advertised is refused."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from chalicelib.protocol.device_code import DEVICE_CODE
from local.fake import demo_oauth
from tests.kit.http.bound import Holder
from tests.kit.http.browser import Answer, request
from tests.kit.http.device import ask
from tests.kit.http.stack import ACCESS_TOKEN, APP, EXCHANGE, Stack
from tests.kit.http.surface import raw
from tests.kit.jose.proofs import ProofKey, key_of
from tests.kit.requirement import requirement

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


def metadata(stack: Stack) -> dict[str, Any]:
    return stack.get(OPENID).json


@requirement("META-01")
def test_the_issuer_is_one_string_everywhere(stack: Stack) -> None:
    issuer, (client, _) = stack.settings.issuer, stack.client()
    sign_in = stack.sign_in(client)
    tokens = stack.redeem(sign_in).json
    refused = stack.authorize(stack.authorize_parameters(client, response_type="token"))
    claims = [jwt.decode(tokens[name], options={"verify_signature": False}) for name in ("access_token", "id_token")]
    found = [
        metadata(stack)["issuer"],
        stack.get(OAUTH).json["issuer"],
        stack.get("/.well-known/oauth-protected-resource").json["resource"],
        *stack.get("/.well-known/oauth-protected-resource").json["authorization_servers"],
        sign_in.answer.answered["iss"],
        refused.answered["iss"],
        *(one["iss"] for one in claims),
        claims[0]["aud"],
    ]
    assert found == [issuer] * len(found)
    assert stack.get(OPENID).body == stack.get(OAUTH).body


@requirement("META-01", "META-02")
def test_every_advertised_endpoint_is_there_under_the_issuer(make_stack) -> None:
    stack = make_stack(registration="open")
    places = {name: value for name, value in metadata(stack).items() if name.endswith(("_endpoint", "_uri"))}
    assert len(places) >= 9
    for name, place in places.items():
        assert place.startswith(stack.settings.issuer + "/")
        method = (
            "GET"
            if name in ("authorization_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
            else "POST"
        )
        answer = raw(stack.netloc, method, urlsplit(place).path)
        assert answer.status not in (403, 404, 405), name


@requirement("META-02")
def test_every_advertised_value_works(make_stack) -> None:
    stack = make_stack()
    known = metadata(stack)
    assert known["response_types_supported"] == ["code"]
    assert known["code_challenge_methods_supported"] == ["S256"]
    for method in known["token_endpoint_auth_methods_supported"]:
        client, secret = stack.client(token_endpoint_auth_method=method)
        for mode in known["response_modes_supported"]:
            sign_in = stack.sign_in(client, secret, response_mode=mode)
            tokens = stack.redeem(sign_in)
            assert tokens.status == 200, method
        header = jwt.get_unverified_header(tokens.json["id_token"])
        assert header["alg"] in known["id_token_signing_alg_values_supported"]
        claims = jwt.decode(tokens.json["id_token"], options={"verify_signature": False})
        assert set(claims) <= set(known["claims_supported"])
        seen = stack.userinfo(tokens.json["access_token"]).json
        assert set(seen) <= set(known["claims_supported"])
        assert stack.post("/revoke", client, secret, token="x").status == 200
        assert method in known["revocation_endpoint_auth_methods_supported"]
        allowed = method in known["introspection_endpoint_auth_methods_supported"]
        assert stack.post("/introspect", client, secret, token="x").status == (200 if allowed else 401), method
    assert len(set(known["claims_supported"])) == len(known["claims_supported"])


TOLD = {
    "family_name": "Example",
    "given_name": "Alice",
    "locale": "de-DE",
    "middle_name": "B.",
    "name": "Alice B. Example",
    "nickname": "ali",
    "picture": "https://pictures.example/alice.png",
    "preferred_username": "alice",
    "profile": "https://people.example/alice",
    "updated_at": 1_700_000_000,
    "website": "https://alice.example/",
    "zoneinfo": "Europe/Berlin",
    "email": "alice@people.example",
    "email_verified": True,
}


@requirement("META-02", "INT-02")
def test_every_advertised_claim_is_passed_on_and_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a third party that tells all of them, and more than the page says to its reader."""
    more = {"birthdate": "1990-01-02", "gender": "female", "address": {"country": "DE"}, "groups": ["staff"]}
    monkeypatch.setattr(demo_oauth, "profile_claims", lambda family, faults: TOLD | more)
    stack.provider.faults.acr = "urn:demo:one"
    sign_in = stack.sign_in(stack.client()[0], nonce="n", scope="openid profile email")
    tokens = stack.redeem(sign_in).json
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    seen = stack.userinfo(tokens["access_token"]).json
    assert {**seen, **TOLD} == seen
    assert {*claims, *seen} == {*metadata(stack)["claims_supported"]}


@requirement("META-02", "DPOP-01")
def test_every_advertised_algorithm_of_proofs_works_and_no_other(stack: Stack) -> None:
    client, secret = stack.client(
        token_endpoint_auth_method="client_secret_basic", grant_types=frozenset({"client_credentials"})
    )
    kinds = {"ES256": "ec", "ES384": "ec384", "ES512": "ec521", "Ed": "ed", "PS": "rsa", "RS": "rsa"}
    resource = stack.get("/.well-known/oauth-protected-resource").json
    known = metadata(stack)["dpop_signing_alg_values_supported"]
    assert resource["dpop_signing_alg_values_supported"] == known
    for algorithm in (*known, "RS256"):
        kind = next(kind for prefix, kind in kinds.items() if algorithm.startswith(prefix))
        holder = Holder(stack, ProofKey(key_of(kind).key, algorithm))
        answer = stack.token(client, secret, grant_type="client_credentials", headers=holder.proof())
        assert (answer.status == 200) is (algorithm in known), algorithm
        if algorithm in known:
            assert holder.use(answer.json["access_token"]).json["error"] == "insufficient_scope", algorithm


@requirement("META-02", "TOK-08")
def test_every_advertised_grant_type_works_and_no_other(stack: Stack) -> None:
    known = metadata(stack)["grant_types_supported"]
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic", grant_types=frozenset(known))
    sign_in = stack.sign_in(client, secret)
    first = stack.redeem(sign_in)
    device = ask(stack, client, secret)
    device.approve()
    used = {
        "authorization_code": first,
        "refresh_token": stack.refresh(sign_in, first.json["refresh_token"]),
        "client_credentials": stack.token(client, secret, grant_type="client_credentials"),
        EXCHANGE: stack.exchange(sign_in, first.json["access_token"]),
        DEVICE_CODE: device.poll(),
    }
    assert set(used) == set(known)
    assert {answer.status for answer in used.values()} == {200}
    for grant_type in (
        "password", "implicit", "device_code", "authorization_code ",
        "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba", "AUTHORIZATION_CODE", "none", "*",
    ):  # fmt: skip
        answer = stack.token(client, secret, grant_type=grant_type, username="a", password="b", assertion="c")
        assert (answer.status, answer.json["error"]) == (400, "unsupported_grant_type"), grant_type


@requirement("META-02")
def test_every_scope_provider_and_prompt_that_is_advertised_works_and_no_other(stack: Stack) -> None:
    known = metadata(stack)
    assert known["providers_supported"] == ["demo"]
    scopes = frozenset(known["scopes_supported"])
    client, _ = stack.client(
        scopes=scopes | {"address", "phone", "github:repo"}, redirect_uris=("https://app.example/x",)
    )
    for scope in sorted(scopes):
        assert stack.authorize(stack.authorize_parameters(client, scope=scope)).status == 200, scope
    for scope in ("address", "phone", "github:repo", "OpenID"):
        assert _refusal(stack, client, scope=scope) == "invalid_scope", scope
    for provider_id in ("github", "google", "oidc", "none", "Demo"):
        assert _refusal(stack, client, scope="openid", provider=provider_id) == "invalid_request", provider_id
    for prompt in known["prompt_values_supported"]:
        answer = stack.authorize(stack.authorize_parameters(client, scope="openid", prompt=prompt))
        assert answer.status == 200 or answer.answered["error"] == "login_required", prompt
    for prompt in ("create", "none login", "Login", "consent create"):
        assert _refusal(stack, client, scope="openid", prompt=prompt) == "invalid_request", prompt


def _refusal(stack: Stack, client, **more: str) -> str:
    answer = stack.authorize(stack.authorize_parameters(client, **more))
    assert answer.status == 303 and answer.location.startswith(client.redirect_uris[0])
    return answer.answered["error"]


UNLISTED = {
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "id token": ({"response_type": "id_token"}, "unsupported_response_type"),
    "hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "hybrid in another order": ({"response_type": "token code"}, "unsupported_response_type"),
    "none": ({"response_type": "none"}, "unsupported_response_type"),
    "code in capitals": ({"response_type": "CODE"}, "unsupported_response_type"),
    "fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "web_message": ({"response_mode": "web_message"}, "invalid_request"),
    "jarm": ({"response_mode": "jwt"}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "s256 in lower case": ({"code_challenge_method": "s256"}, "invalid_request"),
    "no pkce": ({"code_challenge_method": None, "code_challenge": None}, "invalid_request"),
    "a request object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "a request uri": ({"request_uri": "https://app.example/request"}, "invalid_request_uri"),
    "a registration": ({"registration": "{}"}, "registration_not_supported"),
}


@requirement("META-02", "AUTHZ-06", "AUTHZ-07", "AUTHZ-08")
@pytest.mark.parametrize(("changed", "error"), UNLISTED.values(), ids=UNLISTED)
def test_what_is_not_advertised_is_refused_at_authorize(stack: Stack, changed: dict[str, Any], error: str) -> None:
    client, _ = stack.client()
    answer = stack.authorize(stack.authorize_parameters(client, **changed))
    assert answer.status == 303 and answer.location.startswith(APP + "?")
    assert answer.answered["error"] == error


@requirement("META-02", "INT-03", "TOK-10")
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384", "ES256K", "EdDSA"])
def test_no_algorithm_but_the_advertised_one(stack: Stack, algorithm: str) -> None:
    client, secret = stack.client(
        token_endpoint_auth_method="client_secret_basic", serves=frozenset({stack.settings.issuer})
    )
    sign_in = stack.sign_in(client, secret)
    token = stack.redeem(sign_in).json["access_token"]
    head, body, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    for forged_signature in ("", signature):
        head = base64.urlsafe_b64encode(json.dumps({**header, "alg": algorithm}).encode()).rstrip(b"=").decode()
        forged = f"{head}.{body}.{forged_signature}"
        assert stack.userinfo(forged).status == 401
        assert stack.post("/introspect", client, secret, token=forged).json == {"active": False}
        exchanged = stack.exchange(sign_in, forged, subject_token_type=ACCESS_TOKEN)
        assert (exchanged.status, exchanged.json["error"]) == (400, "invalid_request")
    assert stack.userinfo(token).status == 200


@requirement("META-02", "TOK-02")
def test_no_method_of_client_authentication_but_the_advertised_ones(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_post")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assertion = jwt.encode({"iss": client.client_id, "sub": client.client_id}, secret or "", algorithm="HS256")
    for path in ("/token", "/revoke", "/introspect"):
        for more in ({}, {"client_secret": secret}):
            form = {"client_assertion": assertion, "client_assertion_type": kind, "token": "x", **more}
            answer = stack.post(path, client, **form)
            assert (answer.status, answer.json["error"]) == (401, "invalid_client"), path


POSTED = ("/par", "/device_authorization", "/token", "/revoke", "/introspect", "/signin", "/register")


@requirement("META-02", "REG-01", "OPS-01")
@pytest.mark.parametrize(
    "place",
    [
        *("GET /par", "GET /device_authorization", "PUT /device", "PUT /logout", "DELETE /logout"),
        *("GET /proxy/demo", "POST /bc-authorize", "PATCH /register/x"),
        *("POST /register/x", "GET /admin", "POST /admin/clients", "GET /metrics", "GET /debug"),
        *(
            "GET /token",
            "DELETE /token",
            "PUT /token",
            "GET /revoke",
            "GET /introspect",
            "GET /signin",
            "GET /register",
        ),
        *(
            "PATCH /userinfo",
            "TRACE /health",
            "HEAD /token",
            "GET /.env",
            "GET /static/x",
        ),
    ],
)
def test_what_is_not_built_is_not_there(stack: Stack, place: str) -> None:
    method, _, path = place.partition(" ")
    answer: Answer = request(stack.netloc, method, path)
    assert answer.status == (403 if method != "GET" or path in POSTED else 404)
    assert answer.status == 404 or answer.header("access-control-allow-origin") is None
    assert not [name for name in metadata(stack) if name.startswith(("frontchannel", "mtls"))]


@requirement("META-02", "REG-01")
def test_registration_is_advertised_only_where_it_is_open(make_stack) -> None:
    closed = make_stack()
    assert "registration_endpoint" not in metadata(closed)
    opened = make_stack(registration="open")
    assert metadata(opened)["registration_endpoint"] == opened.settings.issuer + "/register"
