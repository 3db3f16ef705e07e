"""A trusted issuer's token becomes one of the broker's (RFC 8693), and begins a standing grant."""

import pytest

from chalicelib.records.item_keys import consent_item_key, grant_item_key
from cli.deployment.issuers import accept, unaccept
from tests.kit.http.issuers import API, ID_TOKEN, SCOPES, IssuerScene, rule, start_issuer_scene, trust
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read, read_claims
from tests.kit.requirement import requirement


@pytest.fixture
def scene(stack: Stack) -> IssuerScene:
    return start_issuer_scene(stack)


@requirement("STD-08")
def test_a_token_of_the_issuer_becomes_one_of_the_broker(stack: Stack, scene: IssuerScene) -> None:
    answer = scene.exchange(resource=API, scope="orders:read")
    assert answer.status == 200, (answer.body, stack.log.getvalue()[-800:])
    assert answer.json["scope"] == "orders:read" and "refresh_token" not in answer.json
    claims = read_claims(answer.json["access_token"])
    assert claims["aud"] == API and claims["sub"] not in ("alice@idp", scene.client.client_id)
    grant = read(stack, grant_item_key(claims["grant_id"]))
    assert (grant.version, grant.path, grant.secret_hash, grant.scopes) == (0, "access_token", b"", SCOPES)
    consent = read(stack, consent_item_key(claims["sub"], scene.client.client_id))
    assert consent.vouched == SCOPES and consent.scopes == frozenset() and consent.redirect_hashes == frozenset()


@requirement("STD-08")
def test_the_new_token_ends_with_the_issuers_and_after_ten_minutes(stack: Stack, scene: IssuerScene) -> None:
    long, short = scene.exchange(), scene.exchange(scene.sign(exp=stack.clock.now() + 100))
    assert (long.json["expires_in"], short.json["expires_in"]) == (600, 100)


@requirement("STD-12")
def test_an_exchange_costs_one_call_once_the_grant_has_begun(stack: Stack, scene: IssuerScene) -> None:
    assert scene.exchange(scene.sign(sub="bob@idp")).status == 200  # caches and keys
    with stack.dynamodb.counted() as first:
        assert scene.exchange().status == 200
    with stack.dynamodb.counted() as warm:
        assert scene.exchange().status == 200
    assert (first, warm) == ({"BatchGetItem": 1, "PutItem": 3}, {"BatchGetItem": 1})


@requirement("STD-03")
def test_the_same_user_has_one_grant_and_one_subject(stack: Stack, scene: IssuerScene) -> None:
    one, two = (read_claims(scene.exchange().json["access_token"]) for _ in range(2))
    other = read_claims(scene.exchange(scene.sign(sub="bob@idp")).json["access_token"])
    assert (one["sub"], one["grant_id"]) == (two["sub"], two["grant_id"])
    assert other["sub"] != one["sub"] and other["grant_id"] != one["grant_id"]


@requirement("STD-11", "ISS-02")
def test_a_client_that_no_rule_names_is_refused_like_for_an_unknown_issuer(stack: Stack, scene: IssuerScene) -> None:
    other = IssuerScene(stack, *stack.client(token_endpoint_auth_method="client_secret_basic"))
    unknown = scene.exchange(scene.sign(iss="https://nobody.example/"))
    refused = other.exchange()
    assert refused.status == unknown.status == 400
    assert refused.json | {"error_id": ""} == unknown.json | {"error_id": ""}


@requirement("ISS-06")
def test_an_id_token_passes_under_its_own_rule_alone(stack: Stack, scene: IssuerScene) -> None:
    token = scene.sign(aud="app-at-idp", header={"typ": "JWT"})
    assert scene.exchange(token, subject_token_type=ID_TOKEN).status == 400
    second = stack.client(token_endpoint_auth_method="client_secret_basic", scopes=SCOPES)
    trust(stack, second[0], "https://other.example", kind="id_token", audience="app-at-idp", resources=frozenset())
    other = IssuerScene(stack, *second, issuer="https://other.example")
    token = other.sign(aud="app-at-idp", header={"typ": "JWT"})
    assert other.exchange(token, subject_token_type=ID_TOKEN).status == 200
    assert other.exchange(token).status == 400
    assert other.exchange(other.sign(aud="app-at-idp"), subject_token_type=ID_TOKEN).status == 400


@requirement("ISS-24")
def test_the_issuers_token_itself_opens_nothing(stack: Stack, scene: IssuerScene) -> None:
    token = scene.sign()
    for path in ("/userinfo", "/connections", "/proxy/demo/notes"):
        assert stack.get(path, Authorization=f"Bearer {token}").status == 401, path


@requirement("ISS-23", "ISS-29")
def test_a_narrower_rule_narrows_the_tokens_that_exist(stack: Stack, scene: IssuerScene) -> None:
    token = scene.exchange().json["access_token"]
    assert introspect(stack, scene, token)["scope"] == "openid orders:read orders:write"
    unaccept(stack.deployment, "idp 29", kind="access_token", client_id=scene.client.client_id, audience="")
    assert introspect(stack, scene, token) == {"active": False}
    accept(stack.deployment, "idp 29", rule(scene.client, scopes=frozenset({"openid"})))
    assert introspect(stack, scene, token)["scope"] == "openid"


def introspect(stack: Stack, scene: IssuerScene, token: str) -> dict[str, object]:
    return dict(stack.post("/introspect", scene.client, scene.secret, token=token).json)
