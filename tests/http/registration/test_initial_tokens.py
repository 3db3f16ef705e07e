"""Registering with an initial access token: who is let in, how often, and what it allows (RFC 7591 section 3)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from chalicelib.protocol.registration import TOKEN_EXCHANGE
from chalicelib.protocol.registration_tokens import INITIAL, MANAGEMENT, token_hash, write_token
from chalicelib.protocol.supported import GRANT_TYPES
from chalicelib.records.client import Client, RegistrationPolicy
from chalicelib.records.item_keys import DEPLOYMENT
from chalicelib.records.revocation import Revocation
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON, raw, read_tables
from tests.kit.http.tokens import change
from tests.kit.registration.initial_token import GOOD, OWN, PLAIN, register, token_for
from tests.kit.requirement import requirement


@pytest.fixture
def guarded(make_stack) -> Stack:
    """Only who holds a token registers."""
    return make_stack(registration="token")


def clients(stack: Stack) -> list[Client]:
    """All there are."""
    return stack.deployment.scan("CLIENT#", Client)


@requirement("REG-01")
def test_a_flood_of_open_registrations_does_not_keep_a_holder_of_a_token_out(make_stack) -> None:
    stack = make_stack(registration="open", registration_per_day=2)
    assert [register(stack, None).status for _ in range(4)] == [201, 201, 429, 429]
    assert register(stack, token_for(stack)).status == 201


@requirement("REG-01")
def test_a_token_lets_in_and_without_one_nobody_is(guarded: Stack) -> None:
    bare = register(guarded, None)
    assert (bare.status, bare.json["error"]) == (401, "invalid_token")
    assert "initial access token" in bare.json["error_description"]
    assert (bare.challenge or "").startswith("Bearer ")
    made = register(guarded, token_for(guarded))
    assert made.status == 201 and made.header("cache-control") == "no-store"
    (client,) = clients(guarded)
    assert (client.client_id, client.registered_by, client.policy) == (made.json["client_id"], "self", PLAIN)
    secret = made.json["client_secret"]
    assert guarded.redeem(guarded.sign_in(client, secret, scope="openid")).status == 200
    page = guarded.authorize(guarded.authorize_parameters(client, scope="openid"))
    assert page.status == 200 and "not verified" in page.body.lower()


@requirement("REG-01")
def test_a_closed_door_is_closed_for_tokens_too(stack: Stack) -> None:
    token = token_for(stack)
    before = read_tables(stack)
    with stack.dynamodb.counted() as calls:
        assert register(stack, token).json["error"] == "invalid_token"
    assert not calls and read_tables(stack) == before


BAD = {
    "nothing behind the scheme": "",
    "a word": "null",
    "a token that was never made": write_token(INITIAL, b"\x01" * 32),
    "a management token": write_token(MANAGEMENT, b"\x01" * 32),
    "a token a sign too short": write_token(INITIAL, b"\x01" * 31),
    "a token with a sign more": write_token(INITIAL, b"\x01" * 32) + "A",
    "the key of its item": "IAT#" + "0" * 64,
}


@requirement("REG-01")
@pytest.mark.parametrize("door", ["token", "open"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_no_token_is_refused_even_where_none_is_needed(make_stack, door: str, bad: str) -> None:
    stack = make_stack(registration=door)
    answer = register(stack, bad)
    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert clients(stack) == []
    if door == "open":
        assert register(stack, None).status == 201


@requirement("REG-01")
def test_another_scheme_is_no_token_and_no_absence_of_one(make_stack) -> None:
    stack = make_stack(registration="open")
    for header in ("Basic YTpi", "bearer", "DPoP x", "Token x", ""):
        answer = raw(stack.netloc, "POST", "/register", [("Content-Type", JSON), ("Authorization", header)], b"{}")
        assert answer.status == 401, header
    assert clients(stack) == []


@requirement("REG-01")
def test_the_table_keeps_no_token_that_works(guarded: Stack) -> None:
    token = token_for(guarded)
    made = register(guarded, token).json
    kept = str(read_tables(guarded))
    assert token not in kept and made["registration_access_token"] not in kept and made["client_secret"] not in kept
    assert register(guarded, token_hash(token).hex()).status == 401
    assert token not in guarded.log.getvalue() and made["registration_access_token"] not in guarded.log.getvalue()


@requirement("REG-01", "GEN-15")
@pytest.mark.parametrize("uses", [1, 3])
def test_of_fifty_at_once_as_many_are_registered_as_the_token_has_uses(guarded: Stack, uses: int) -> None:
    token = token_for(guarded, uses=uses)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: register(guarded, token), range(50)))
    assert sorted(answer.status for answer in answers) == [201] * uses + [401] * (50 - uses)
    assert len(clients(guarded)) == uses
    assert register(guarded, token).json["error"] == "invalid_token"


@requirement("REG-01")
def test_a_token_without_a_number_makes_any_number_until_its_end(guarded: Stack) -> None:
    token = token_for(guarded, uses=0)
    assert [register(guarded, token).status for _ in range(4)] == [201] * 4
    guarded.clock.advance(599)
    assert register(guarded, token).status == 201
    guarded.clock.advance(1)
    assert register(guarded, token).status == register(guarded, token, {}).status == 401


@requirement("REG-01")
def test_what_is_refused_uses_nothing_up(guarded: Stack) -> None:
    token = token_for(guarded)
    for document in ({"redirect_uris": ["javascript:x"]}, {}, [], {**GOOD, "scope": "admin"}):
        assert register(guarded, token, document).status == 400
    assert register(guarded, token).status == 201


@requirement("REG-01")
def test_who_is_let_in_by_a_token_is_not_counted_with_strangers(make_stack) -> None:
    stack = make_stack(registration="open", registration_per_address=1)
    token = token_for(stack, uses=0)
    assert [register(stack, token).status for _ in range(3)] == [201] * 3
    assert [register(stack, None).status for _ in range(2)] == [201, 429]
    assert register(stack, token).status == 201


@requirement("REG-01", "OPS-02")
def test_a_token_of_before_a_restore_and_a_stopped_deployment_register_nobody(guarded: Stack) -> None:
    token = token_for(guarded, uses=0)
    guarded.restart(epoch=1)
    assert register(guarded, token).status == register(guarded, token, {}).status == 401
    guarded.restart()
    change(guarded, DEPLOYMENT, marks=Revocation(disabled=True))
    assert register(guarded, token).status == 503
    guarded.restart(registration="open")
    assert register(guarded, None).status == 503
    assert clients(guarded) == []


@requirement("REG-04", "REG-02")
def test_the_policy_that_travels_with_a_token_is_all_that_its_clients_may_have(guarded: Stack) -> None:
    wide = RegistrationPolicy(
        scopes=OWN | {"demo:notes:read", "orders:read"},
        handout="token",
        grant_types=frozenset({"authorization_code", "refresh_token", TOKEN_EXCHANGE}),
        auth_methods=frozenset({"none"}),
        providers=frozenset({"demo"}),
    )
    token = token_for(guarded, wide, uses=0)
    public = {**GOOD, "token_endpoint_auth_method": "none"}
    for document in (
        GOOD,
        {**public, "token_endpoint_auth_method": "client_secret_post"},
        {**public, "scope": "github:repo"},
        {**public, "grant_types": ["client_credentials"]},
    ):
        assert register(guarded, token, document).json["error"] == "invalid_client_metadata"
    made = register(guarded, token, {**public, "scope": "openid offline_access demo:notes:read"})
    assert set(made.json["grant_types"]) == wide.grant_types
    (client,) = clients(guarded)
    assert (client.handout, client.providers, client.first_party) == ("token", {"demo"}, False)
    sign_in = guarded.sign_in(client, scope="openid demo:notes:read")
    assert guarded.exchange(sign_in, guarded.redeem(sign_in).json["access_token"]).status == 200
    wished = {**public, "scope": "openid github:repo", "grant_types": ["authorization_code", "client_credentials"]}
    cut = register(guarded, token, wished).json
    assert (cut["scope"], cut["grant_types"]) == ("openid", ["authorization_code"])
    plain = register(guarded, token, public)
    assert set(plain.json["scope"].split()) == OWN


@requirement("REG-02", "TOK-02")
def test_a_client_that_acts_for_itself_needs_a_policy_a_secret_and_no_redirect(guarded: Stack) -> None:
    machine = msgspec.structs.replace(PLAIN, grant_types=frozenset({"client_credentials"}))
    for policy, status in ((PLAIN, 400), (machine, 201)):
        answer = register(guarded, token_for(guarded, policy), {"grant_types": ["client_credentials"]})
        assert answer.status == status
    assert (answer.json["redirect_uris"], answer.json["response_types"]) == ([], [])
    (client,) = clients(guarded)
    token = guarded.token(client, answer.json["client_secret"], grant_type="client_credentials")
    assert token.status == 200 and token.json["scope"] == ""
    with_redirect = msgspec.structs.replace(client, redirect_uris=("https://app.example/cb",))
    page = guarded.authorize(guarded.authorize_parameters(with_redirect))
    assert page.status == 400 and page.header("location") is None


ALL = msgspec.structs.replace(PLAIN, grant_types=frozenset(GRANT_TYPES))
CODE, ITSELF = "authorization_code", "client_credentials"
CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "for itself without a secret": {"grant_types": [ITSELF], "token_endpoint_auth_method": "none"},
    "refresh of nothing": {"grant_types": [ITSELF, "refresh_token"]},
    "exchange of nothing": {"grant_types": [TOKEN_EXCHANGE]},
    "exchange for itself": {"grant_types": [ITSELF, TOKEN_EXCHANGE]},
    "no grant type at all": {"grant_types": []},
}


@requirement("REG-02")
@pytest.mark.parametrize("document", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_grant_types_answers_and_methods_that_contradict_are_refused(guarded: Stack, document: dict[str, Any]) -> None:
    answer = register(guarded, token_for(guarded, ALL), {**GOOD, **document})
    assert (answer.status, answer.json["error"]) == (400, "invalid_client_metadata")
    empty = register(guarded, token_for(guarded, ALL), {"grant_types": [CODE, ITSELF]})
    assert empty.json["error"] == "invalid_redirect_uri"


@requirement("META-02", "REG-01")
def test_the_endpoint_is_named_where_a_token_opens_it(guarded: Stack) -> None:
    found = guarded.get("/.well-known/oauth-authorization-server").json
    assert found["registration_endpoint"] == guarded.settings.issuer + "/register"


@requirement("REG-01", "GEN-13", "F03")
@pytest.mark.parametrize(("mode", "status"), [("A", 201), ("B", 201), ("T", 201)])
@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem", "PutItem"])
def test_a_lost_answer_of_the_table_makes_one_client_of_one_use(
    guarded: Stack, operation: str, mode: Any, status: int
) -> None:
    token = token_for(guarded)
    faulty = FaultyTransport(guarded.dynamodb, Fault(mode=mode, operation=operation))
    guarded.broker.store._transport = faulty  # type: ignore[attr-defined]
    assert register(guarded, token).status == status
    assert register(guarded, token).status == 401
    assert len(clients(guarded)) == 1
