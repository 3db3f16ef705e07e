"""Clients that prove themselves with a key of their own: which assertion is taken, where, and how often (TOK-05)."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.protocol.client_assertion import (
    ASSERTION_ALGORITHMS,
    MAX_ASSERTION_LENGTH,
    check_client_assertion,
    parse_client_assertion,
)
from chalicelib.protocol.errors import InvalidClient
from chalicelib.records.client import Client
from chalicelib.records.item_keys import client_item_key
from tests.http.client_authentication.client_call import ENDPOINTS, call
from tests.kit.http.assertions import KEY, KINDS, TYPE, ClientKey, KeyPlace, as_form, good_claims, new_key, sign
from tests.kit.http.browser import FORM, Answer, request
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw
from tests.kit.http.tokens import change, refusal
from tests.kit.requirement import requirement

METHOD = "private_key_jwt"
ITSELF = frozenset({"client_credentials"})
REFUSED = (401, "invalid_client")


def register(stack: Stack, *keys: ClientKey, **fields: Any) -> Client:
    given = {"jwks": tuple(key.public for key in keys)} if keys else {}
    client, secret = stack.client(token_endpoint_auth_method=METHOD, grant_types=ITSELF, **given, **fields)
    assert secret is None
    return client


def assertion(stack: Stack, client: Client, key: ClientKey = KEY, *, header: Any = None, **claims: Any) -> str:
    """A right one but for what is said; claims that are None are left out."""
    said = good_claims(stack.settings.issuer, client.client_id, stack.clock.now()) | claims
    return sign({name: value for name, value in said.items() if value is not None}, key, **header or {})


def ask(stack: Stack, client: Client, key: ClientKey = KEY, *, header: Any = None, **claims: Any) -> Answer:
    return call(stack, as_form(assertion(stack, client, key, header=header, **claims)))


def last_reason(stack: Stack) -> str:
    """The private reason of the refusal that was logged last."""
    lines = [json.loads(line) for line in stack.log.getvalue().splitlines()]
    return str([line["reason"] for line in lines if "reason" in line][-1])


@requirement("TOK-05", "TOK-02")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_assertion_proves_the_client_wherever_clients_prove_themselves_and_once(stack: Stack, path: str) -> None:
    client = register(stack)
    form = as_form(assertion(stack, client))
    assert call(stack, form, path=path).status == 200
    assert refusal(call(stack, form, path=path)) == REFUSED
    assert last_reason(stack) == "assertion_replayed"
    named = {"client_id": client.client_id, **as_form(assertion(stack, client))}
    assert call(stack, named, path=path).status == 200


@requirement("TOK-05", "TOK-02")
@pytest.mark.parametrize("path", ["/par", "/device_authorization"])
def test_where_a_sign_in_begins_an_assertion_proves_the_client_and_nothing_less_does(stack: Stack, path: str) -> None:
    grants = frozenset({"authorization_code", "urn:ietf:params:oauth:grant-type:device_code"})
    client, _ = stack.client(token_endpoint_auth_method=METHOD, grant_types=grants)
    asked = stack.authorize_parameters(client, scope="openid") if path == "/par" else {"scope": "openid"}
    form = urlencode({**asked, **as_form(assertion(stack, client))})
    headers = {"Content-Type": FORM}
    assert request(stack.netloc, "POST", path, body=form, headers=headers).status in (200, 201)
    assert refusal(request(stack.netloc, "POST", path, body=form, headers=headers)) == REFUSED
    bare = urlencode({**asked, "client_id": client.client_id})
    assert refusal(request(stack.netloc, "POST", path, body=bare, headers=headers)) == REFUSED


@requirement("TOK-05", "META-02")
@pytest.mark.parametrize("algorithm", ASSERTION_ALGORITHMS)
def test_every_advertised_algorithm_is_taken_and_only_the_registered_one(stack: Stack, algorithm: str) -> None:
    known = stack.get("/.well-known/oauth-authorization-server").json
    for place in ("token", "revocation", "introspection"):
        assert known[f"{place}_endpoint_auth_signing_alg_values_supported"] == list(KINDS)
    key = new_key(algorithm)
    assert ask(stack, register(stack, key), key).status == 200
    other = next(name for name in KINDS if name != algorithm)
    assert refusal(ask(stack, register(stack, key, token_endpoint_auth_signing_alg=other), key)) == REFUSED
    assert ask(stack, register(stack, key, token_endpoint_auth_signing_alg=algorithm), key).status == 200


@requirement("TOK-05")
def test_an_assertion_is_used_up_at_every_endpoint_and_by_every_process(stack: Stack) -> None:
    client = register(stack)
    form = as_form(assertion(stack, client))
    assert call(stack, form, path="/revoke").status == 200
    stack.restart()
    for path in ENDPOINTS:
        assert refusal(call(stack, form, path=path)) == REFUSED


@requirement("TOK-05")
def test_of_many_uses_at_once_exactly_one_counts(stack: Stack) -> None:
    form = as_form(assertion(stack, register(stack)))
    with ThreadPoolExecutor(16) as pool:
        came = list(pool.map(lambda _: call(stack, form).status, range(16)))
    assert sorted(came) == [200] + [401] * 15


@requirement("TOK-05")
def test_the_jti_of_a_refused_assertion_is_not_burnt(stack: Stack) -> None:
    client, jti = register(stack), "one-jti"
    for wrong in (
        {"aud": "https://evil.example"},
        {"exp": stack.clock.now() - 60},
        {"header": {"kid": "unknown"}},
        {"key": new_key()},
    ):
        assert refusal(ask(stack, client, **{"jti": jti, **wrong})) == REFUSED
    assert ask(stack, client, jti=jti).status == 200
    assert refusal(ask(stack, client, jti=jti)) == REFUSED


@requirement("TOK-05")
def test_a_jti_is_remembered_until_its_end_and_twice_the_skew_and_for_its_client_alone(stack: Stack) -> None:
    client, other = register(stack), register(stack)
    end = stack.clock.now() + 60
    assert ask(stack, client, jti="j", exp=end).status == 200
    assert ask(stack, other, jti="j", exp=end).status == 200
    stack.clock.advance(60 + 19)
    assert refusal(ask(stack, client, jti="j", exp=end + 100)) == REFUSED
    stack.clock.advance(1)
    assert ask(stack, client, jti="j", exp=end + 100).status == 200


@requirement("TOK-05")
def test_the_audience_is_our_issuer_and_nothing_beside_it(stack: Stack) -> None:
    client, issuer = register(stack), stack.settings.issuer
    assert ask(stack, client, aud=issuer).status == 200
    assert ask(stack, client, aud=[issuer]).status == 200
    for wrong in (
        f"{issuer}/token", f"{issuer}/", issuer.upper(), [issuer, f"{issuer}/token"], [issuer, issuer], [[issuer]],
        [], "", {issuer: True}, f"{issuer}/token {issuer}", "https://evil.example",
    ):  # fmt: skip
        assert refusal(ask(stack, client, aud=wrong)) == REFUSED, wrong
        assert last_reason(stack) == "assertion_audience_wrong"


@requirement("TOK-05")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 3610}, None),
        ({"exp": 3611, "iat": 12}, "assertion_lives_too_long"),
        ({"exp": 3601}, "assertion_lives_too_long"),
        ({"exp": 3601, "iat": None}, None),
        ({"exp": 100, "iat": -3501}, "assertion_lives_too_long"),
        ({"exp": -9, "iat": -60}, None),
        ({"exp": -10, "iat": -60}, "assertion_token_expired"),
        ({"exp": None}, "assertion_time_malformed"),
        ({"iat": 10}, None),
        ({"iat": 60, "exp": 120}, None),
        ({"iat": 61, "exp": 120}, "assertion_token_from_the_future"),
        ({"nbf": 10}, None),
        ({"nbf": 60}, None),
        ({"nbf": 61}, "assertion_token_from_the_future"),
        ({"iat": None}, None),
        ({"jti": None}, "assertion_jti_missing"),
        ({"jti": ""}, "assertion_jti_missing"),
        ({"jti": 7}, "assertion_jti_missing"),
    ],
)
def test_times_and_jti(stack: Stack, claims: dict[str, Any], reason: str | None) -> None:
    """Times are seconds from now."""
    now = stack.clock.now()
    if claims.get("exp") == 3610:
        claims = {**claims, "iat": 10}
    said = {n: v + now if n in ("iat", "exp", "nbf") and v is not None else v for n, v in claims.items()}
    answer = ask(stack, register(stack), **said)
    if reason is None:
        assert answer.status == 200, last_reason(stack)
    else:
        assert refusal(answer) == REFUSED
        assert last_reason(stack) == reason


@requirement("TOK-05")
def test_an_end_in_two_hours_is_refused_with_and_without_a_beginning(stack: Stack) -> None:
    client, end = register(stack), stack.clock.now() + 7200
    for begins in (end - 3600, end - 7200, None):
        assert refusal(ask(stack, client, exp=end, iat=begins)) == REFUSED
    assert refusal(ask(stack, client, exp=stack.clock.now() + 3611, iat=None)) == REFUSED


@requirement("TOK-05")
def test_an_assertion_that_is_valid_for_an_hour_is_accepted_once_in_that_hour(stack: Stack) -> None:
    client, end = register(stack), stack.clock.now() + 3600
    assert ask(stack, client, jti="an hour", exp=end).status == 200
    stack.clock.advance(3599)
    assert refusal(ask(stack, client, jti="an hour", exp=end, iat=end - 3600)) == REFUSED
    assert last_reason(stack) == "assertion_replayed"


@requirement("TOK-05")
def test_issuer_and_subject_are_the_client_and_nobody_else(stack: Stack) -> None:
    client, other = register(stack), register(stack, new_key())
    assert refusal(ask(stack, client, sub=other.client_id)) == REFUSED
    assert refusal(ask(stack, client, iss=other.client_id)) == REFUSED
    assert refusal(ask(stack, client, sub=None)) == REFUSED
    assert refusal(ask(stack, client, iss=None)) == REFUSED
    assert refusal(ask(stack, other)) == REFUSED
    for told in (other.client_id, "", "0" * 32):
        answer = call(stack, {"client_id": told or other.client_id, **as_form(assertion(stack, client))})
        assert refusal(answer) == REFUSED


@requirement("TOK-05")
def test_the_type_may_be_left_out_and_is_never_another(stack: Stack) -> None:
    client = register(stack)
    for typ in (None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"):
        assert ask(stack, client, header={"typ": typ}).status == 200, typ
    for typ in ("at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "", "JWE"):
        assert refusal(ask(stack, client, header={"typ": typ})) == REFUSED, typ


@requirement("TOK-02", "TOK-05")
def test_one_method_at_a_time_and_the_type_of_assertion_exactly(stack: Stack) -> None:
    client = register(stack)
    basic = (client.client_id, "s" * 64)

    def good() -> dict[str, str]:
        return as_form(assertion(stack, client))

    assert refusal(call(stack, good(), basic=basic)) == REFUSED
    assert refusal(call(stack, {**good(), "client_secret": "s" * 64, "client_id": client.client_id})) == REFUSED
    for kind in (
        "",
        TYPE + " ",
        TYPE.upper(),
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "jwt-bearer",
    ):
        assert refusal(call(stack, {**good(), "client_assertion_type": kind})) == REFUSED, kind
    assert refusal(call(stack, {"client_id": client.client_id, "client_assertion_type": TYPE})) == REFUSED
    assert refusal(call(stack, {"client_id": client.client_id})) == REFUSED
    assert call(stack, good()).status == 200


@requirement("TOK-02", "TOK-09")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_a_key_proves_nobody_who_is_registered_with_another_method(stack: Stack, method: str) -> None:
    client, _ = stack.client(token_endpoint_auth_method=method, jwks=(KEY.public,))
    form = {**as_form(assertion(stack, client)), "token": "x"}
    assert refusal(call(stack, form, path="/revoke")) == REFUSED
    keyed = register(stack)
    assert refusal(call(stack, {}, path="/revoke", basic=(keyed.client_id, "s" * 64))) == REFUSED
    posted = {"client_id": keyed.client_id, "client_secret": "s" * 64}
    assert refusal(call(stack, posted, path="/revoke")) == REFUSED


@requirement("TOK-05", "TOK-07")
def test_a_key_that_was_taken_away_proves_nobody_from_ten_seconds_on(stack: Stack) -> None:
    second = new_key("PS256", "key-2")
    client = register(stack, KEY, second)
    assert ask(stack, client).status == 200
    change(stack, client_item_key(client.client_id), jwks=(second.public,))
    stack.clock.advance(10)
    assert refusal(ask(stack, client)) == REFUSED
    assert ask(stack, client, second).status == 200


@requirement("TOK-05")
def test_a_key_that_was_just_added_is_found_at_once(stack: Stack) -> None:
    client, second = register(stack), new_key("ES384", "key-2")
    assert ask(stack, client).status == 200
    change(stack, client_item_key(client.client_id), jwks=(KEY.public, second.public))
    assert ask(stack, client, second).status == 200


@requirement("TOK-05", "TOK-04")
def test_failures_are_counted_and_a_right_assertion_is_never_refused_for_them(make_stack) -> None:
    stack = make_stack(failed_authentications_per_address=3)
    client = register(stack)
    statuses = [ask(stack, client, aud="https://evil.example").status for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert ask(stack, client).status == 200


@requirement("TOK-05", "GEN-07")
def test_neither_the_log_nor_the_answer_holds_the_assertion(stack: Stack) -> None:
    client = register(stack)
    for token in (assertion(stack, client), assertion(stack, client, aud="https://evil.example")):
        answer = call(stack, as_form(token))
        parts = token.split(".")
        assert not any(part in stack.log.getvalue() + answer.body for part in parts[1:])


@requirement("TOK-05", "REG-02")
def test_an_app_registers_itself_with_its_keys(make_stack) -> None:
    stack = make_stack(registration="open")
    document = {"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": METHOD}
    answer = register_itself(stack, {**document, "jwks": {"keys": [KEY.public]}, "client_name": "Keyed"})
    assert answer.status == 201 and "client_secret" not in answer.json
    assert answer.json["jwks"] == {"keys": [{n: KEY.public[n] for n in ("kty", "kid", "crv", "x", "y")}]}
    client = Client(
        client_id=answer.json["client_id"], client_name="", redirect_uris=(), token_endpoint_auth_method=METHOD
    )
    assert call(stack, as_form(assertion(stack, client)), path="/revoke").status == 200
    placed = register_itself(
        stack, {**document, "jwks_uri": "https://app.example/jwks", "token_endpoint_auth_signing_alg": "ES256"}
    )
    assert placed.status == 201
    assert placed.json["jwks_uri"] == "https://app.example/jwks"
    assert placed.json["token_endpoint_auth_signing_alg"] == "ES256"


def register_itself(stack: Stack, document: dict[str, Any]) -> Answer:
    return raw(stack.netloc, "POST", "/register", [("Content-Type", JSON)], json.dumps(document).encode())


@requirement("REG-02")
@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("eyJhbGciOiJFUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6IjEifQ.AAAA", "unapproved_software_statement"),
        ("eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImFkbWluIn0.", "invalid_software_statement"),
        ("https://app.example/statement", "invalid_software_statement"),
        ("a.b.c", "invalid_software_statement"),
        ("", "invalid_software_statement"),
        ({"software_id": "1"}, "invalid_software_statement"),
        (7, "invalid_software_statement"),
    ],
)
def test_a_software_statement_is_never_ignored(make_stack, statement: object, error: str) -> None:
    stack = make_stack(registration="open")
    document = {"redirect_uris": ["https://app.example/cb"], "software_statement": statement}
    assert refusal(register_itself(stack, document)) == (400, error)


@pytest.fixture
def place(stack: Stack) -> Iterator[KeyPlace]:
    """A client's own place for its keys, which the broker of the test may reach."""
    found = KeyPlace(KEY)
    stack.targets.append(found.target)
    stack.restart()
    yield found
    found.stop()


@requirement("TOK-05", "FETCH-01")
def test_published_keys_are_fetched_once_for_many_assertions(stack: Stack, place: KeyPlace) -> None:
    client = register(stack, jwks_uri=place.url)
    assert place.fetches == 0
    assert [ask(stack, client).status for _ in range(5)] == [200] * 5
    assert place.fetches == 1
    stack.clock.advance(600)
    assert ask(stack, client).status == 200 and place.fetches == 2


@requirement("TOK-05", "FETCH-01")
def test_an_unknown_kid_is_looked_for_once_a_minute(stack: Stack, place: KeyPlace) -> None:
    client, second = register(stack, jwks_uri=place.url), new_key("ES256", "key-2")
    assert ask(stack, client).status == 200
    place.document = {"keys": [second.public]}
    assert refusal(ask(stack, client, new_key("ES256", "key-3"))) == REFUSED and place.fetches == 1
    stack.clock.advance(60)
    assert [ask(stack, client, second).status for _ in range(3)] == [200] * 3
    assert place.fetches == 2
    assert refusal(ask(stack, client)) == REFUSED
    stack.clock.advance(59)
    for number in range(5):
        assert refusal(ask(stack, client, new_key("ES256", f"stranger-{number}"))) == REFUSED
    assert place.fetches == 2


@requirement("TOK-05", "FETCH-01")
def test_where_the_keys_cannot_be_had_nothing_is_decided_and_the_assertion_is_good_again(
    stack: Stack, place: KeyPlace
) -> None:
    client = register(stack, jwks_uri=place.url)
    place.status = "503 Service Unavailable"
    form = as_form(assertion(stack, client))
    for _ in range(3):
        answer = call(stack, form)
        assert refusal(answer) == (503, "temporarily_unavailable")
        assert answer.header("retry-after") == "10"
    assert place.fetches == 1
    place.status = "200 OK"
    stack.clock.advance(10)
    assert call(stack, form).status == 200


@requirement("TOK-05")
def test_known_keys_serve_an_hour_while_their_place_is_down_and_no_longer(stack: Stack, place: KeyPlace) -> None:
    client = register(stack, jwks_uri=place.url)
    assert ask(stack, client).status == 200
    place.status = "500 Oops"
    stack.clock.advance(3599)
    assert ask(stack, client).status == 200
    stack.clock.advance(60)
    assert refusal(ask(stack, client)) == (503, "temporarily_unavailable")


@requirement("TOK-05", "FETCH-01")
@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"keys": []}, "200 OK"),
        ({"keys": "none"}, "200 OK"),
        ({"keys": [KEY.public] * 65}, "200 OK"),
        ({"keys": [{**KEY.public, "use": "enc"}]}, "200 OK"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1"}]}, "200 OK"),
        ({"keys": [KEY.public, {**new_key().private.as_dict(private=True), "kid": "key-2"}]}, "200 OK"),
        ({"keys": [KEY.public, {**new_key().public, "kid": "key-1"}]}, "200 OK"),
        ([KEY.public], "200 OK"),
        ({"keys": [KEY.public]}, "404 Not Found"),
        ({"keys": [KEY.public]}, "302 Found"),
    ],
)
def test_what_is_no_set_of_public_keys_proves_nobody(stack: Stack, place: KeyPlace, document: Any, status: str) -> None:
    place.document, place.status = document, status
    assert refusal(ask(stack, register(stack, jwks_uri=place.url))) == REFUSED


@requirement("TOK-05", "FETCH-01")
def test_nothing_is_fetched_for_what_would_be_refused_anyway(stack: Stack, place: KeyPlace) -> None:
    client = register(stack, jwks_uri=place.url, token_endpoint_auth_signing_alg="ES256")
    rsa = new_key("RS256")
    for wrong in (
        {"aud": "https://evil.example"}, {"exp": 1}, {"jti": None}, {"sub": "x"}, {"key": rsa},
        {"header": {"typ": "at+jwt"}},
    ):  # fmt: skip
        assert refusal(ask(stack, client, **wrong)) == REFUSED
    assert place.fetches == 0


@requirement("FETCH-01")
def test_the_place_of_a_clients_keys_is_only_reached_through_the_guard(stack: Stack) -> None:
    hidden = KeyPlace(KEY)
    client = register(stack, jwks_uri=hidden.url)
    assert refusal(ask(stack, client)) == (503, "temporarily_unavailable")
    assert hidden.fetches == 0
    hidden.stop()


@requirement("TOK-10")
def test_no_header_chooses_the_key(stack: Stack, place: KeyPlace) -> None:
    client, stranger = register(stack), new_key("ES256", "stranger")
    hidden = base64.b64encode(b"certificate").decode()
    for header in ({"jwk": stranger.public}, {"jku": place.url}, {"x5u": place.url}, {"x5c": [hidden]}):
        for kid in ("stranger", "key-1", None):
            assert refusal(ask(stack, client, stranger, header={**header, "kid": kid})) == REFUSED
    assert place.fetches == 0


@requirement("TOK-05")
def test_without_a_kid_only_the_only_fitting_key_is_used(stack: Stack) -> None:
    assert ask(stack, register(stack), header={"kid": None}).status == 200
    rsa = new_key("RS256", "key-2")
    assert ask(stack, register(stack, KEY, rsa), header={"kid": None}).status == 200
    other = new_key("ES256", "key-2")
    assert refusal(ask(stack, register(stack, KEY, other), header={"kid": None})) == REFUSED


@requirement("TOK-10", "GEN-04")
def test_a_huge_assertion_is_refused_unread(stack: Stack) -> None:
    client = register(stack)
    assert ask(stack, client, pad="x" * 2000).status == 200
    assert refusal(ask(stack, client, pad="x" * 4000)) == (400, "invalid_request")


@requirement("TOK-05", "REG-06")
@pytest.mark.parametrize("name", ["x" * 600, "demo", "A" * 32, "https://127.0.0.1/app", "https://app.example/../app"])
def test_a_name_that_no_client_can_have_is_not_looked_up(stack: Stack, name: str) -> None:
    form = as_form(sign(good_claims(stack.settings.issuer, name, stack.clock.now())))
    assert refusal(call(stack, form)) == REFUSED
    assert last_reason(stack).startswith("client_id_")


@requirement("TOK-05", "GEN-04")
def test_an_assertion_has_a_greatest_length(stack: Stack) -> None:
    client = register(stack)
    assert parse_client_assertion(assertion(stack, client, more="x" * 1000)).client_id == client.client_id
    with pytest.raises(InvalidClient):
        parse_client_assertion(assertion(stack, client, more="x" * MAX_ASSERTION_LENGTH))


@requirement("TOK-05")
def test_an_assertion_is_held_against_the_client_that_it_names(stack: Stack) -> None:
    client, other = register(stack, KEY), register(stack, KEY)
    read, now = parse_client_assertion(assertion(stack, client)), stack.clock.now()
    check_client_assertion(read, client, audiences=(stack.settings.issuer,), now=now)
    with pytest.raises(InvalidClient):
        check_client_assertion(read, other, audiences=(stack.settings.issuer,), now=now)
