"""Every token that the issuer's record, the rule or the times do not accept is refused, in the same words."""

from typing import Any

import jwt
import pytest

from chalicelib.records.issuer import ClaimValues
from chalicelib.records.item_keys import client_item_key
from tests.kit.http.issuers import AUDIENCE, IssuerScene, public_jwk, start_issuer_scene, trust
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import change, read, read_claims
from tests.kit.requirement import requirement

SAID = "The subject token is not accepted from this client: check its issuer, type, audience and age."


@pytest.fixture
def scene(stack: Stack) -> IssuerScene:
    return start_issuer_scene(stack, other_audiences=frozenset({"https://idp.example/userinfo"}))


def refused(stack: Stack, scene: IssuerScene, token: str, **changed: str) -> str:
    """The reason in the log; nothing was written."""
    with stack.dynamodb.counted() as calls:
        answer = scene.exchange(token, **changed)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request"), answer.body
    assert answer.json["error_description"] == SAID
    assert set(calls) <= {"BatchGetItem"}, calls
    found = [line for line in stack.log.getvalue().splitlines() if '"subject_' in line]
    assert "alice@idp" not in stack.log.getvalue()
    return found[-1].partition('"subject_')[2].partition('"')[0]


CLAIMS: list[tuple[str, dict[str, Any], str]] = [
    ("ISS-01", {"iss": "https://IDP.example/tenant-a/"}, "issuer_unknown"),
    ("ISS-01", {"iss": "https://idp.example/tenant-a"}, "issuer_unknown"),
    ("ISS-01", {"iss": "https://idp.example:443/tenant-a/"}, "issuer_unknown"),
    ("ISS-03", {"aud": "https://another.example/api"}, "audience_wrong"),
    ("ISS-04", {"aud": []}, "audience_wrong"),
    ("ISS-04", {"aud": [AUDIENCE, "https://unknown.example"]}, "audience_wrong"),
    ("ISS-04", {"aud": [AUDIENCE, 7]}, "audience_wrong"),
    ("ISS-05", {"azp": "another-app"}, "authorized_party_wrong"),
    ("ISS-05", {"azp": ["app-at-idp"]}, "authorized_party_wrong"),
    ("ISS-18", {"exp": 1}, "token_expired"),
    ("ISS-18", {"exp": "soon"}, "time_malformed"),
    ("ISS-20", {"act": {"sub": "x"}}, "constraint_not_known_here"),
    ("ISS-20", {"may_act": {"sub": "x"}}, "constraint_not_known_here"),
    ("ISS-20", {"cnf": {"jkt": "x"}}, "constraint_not_known_here"),
    ("ISS-20", {"authorization_details": []}, "constraint_not_known_here"),
    ("ISS-07", {"events": {}}, "constraint_not_known_here"),
    ("ISS-27", {"sub": "app-at-idp"}, "token_of_a_machine"),
    ("ISS-27", {"sub": "x-1", "client_id": "x-1"}, "token_of_a_machine"),
    ("ISS-27", {"sub": "x-1", "cid": "x-1"}, "token_of_a_machine"),
    ("ISS-27", {"sub": ""}, "subject_malformed"),
    ("ISS-27", {"sub": 7}, "subject_malformed"),
    ("ISS-27", {"sub": "a\u0000b"}, "subject_malformed"),
    ("ISS-27", {"sub": "a" * 256}, "subject_malformed"),
]


@requirement("ISS-01", "ISS-03", "ISS-04", "ISS-05", "ISS-07", "ISS-18", "ISS-20", "ISS-26", "ISS-27", "ISS-30")
@pytest.mark.parametrize(("rule", "claims", "reason"), CLAIMS)
def test_a_token_with_a_wrong_claim(
    stack: Stack, scene: IssuerScene, rule: str, claims: dict[str, Any], reason: str
) -> None:
    assert refused(stack, scene, scene.sign(**claims)) == reason


@requirement("ISS-05", "ISS-18", "ISS-27")
@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("aud", "audience_wrong"),
        ("azp", "authorized_party_wrong"),
        ("exp", "time_malformed"),
        ("iat", "time_malformed"),
        ("sub", "subject_malformed"),
        ("iss", "issuer_unknown"),
    ],
)
def test_a_token_without_a_claim(stack: Stack, scene: IssuerScene, claim: str, reason: str) -> None:
    assert refused(stack, scene, scene.sign(without=(claim,))) == reason


@requirement("ISS-04")
def test_the_listed_second_audience_passes(scene: IssuerScene) -> None:
    assert scene.exchange(scene.sign(aud=["https://idp.example/userinfo", AUDIENCE])).status == 200


@requirement("ISS-18", "ISS-19")
@pytest.mark.parametrize(
    ("issued", "ends", "reason"),
    [
        (-3601, 3600, "token_too_old"),
        (61, 3600, "token_from_the_future"),
        (-60, -10, "token_expired"),
        (-3600, 32400, ""),
        (60, 3600, ""),
    ],
)
def test_its_age_counts_whatever_its_end_says(
    stack: Stack, scene: IssuerScene, issued: int, ends: int, reason: str
) -> None:
    now = stack.clock.now()
    token = scene.sign(iat=now + issued, exp=now + ends)
    if reason:
        assert refused(stack, scene, token) == reason
    else:
        assert scene.exchange(token).status == 200


@requirement("ISS-07", "ISS-06")
@pytest.mark.parametrize(
    "typ", ["JWT", "logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", 7, ""]
)
def test_another_kind_of_token_is_refused_by_its_type(stack: Stack, scene: IssuerScene, typ: object) -> None:
    assert refused(stack, scene, scene.sign(header={"typ": typ})) == "type_wrong"


@requirement("ISS-07")
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_the_type_has_several_spellings(scene: IssuerScene, typ: str) -> None:
    assert scene.exchange(scene.sign(header={"typ": typ})).status == 200


@requirement("ISS-12", "ISS-14")
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"jwk": public_jwk("mallory")}, "header_members"),
        ({"jku": "https://evil.example/jwks"}, "header_members"),
        ({"x5u": "https://evil.example/x"}, "header_members"),
        ({"crit": ["exp"]}, "header_members"),
        ({"kid": "unknown"}, "kid_unknown"),
    ],
)
def test_a_header_cannot_bring_a_key(stack: Stack, scene: IssuerScene, header: dict[str, Any], reason: str) -> None:
    assert refused(stack, scene, scene.sign(header=header)) == reason


@requirement("ISS-14")
def test_other_algorithms_are_refused(stack: Stack, scene: IssuerScene) -> None:
    claims = jwt.decode(scene.sign(), options={"verify_signature": False})
    headers = {"typ": "at+jwt", "kid": scene.issuer}
    token = jwt.encode(claims, public_jwk(scene.issuer)["x"], algorithm="HS256", headers=headers)
    assert refused(stack, scene, token) == "algorithm_wrong"
    assert scene.exchange(jwt.encode(claims, None, algorithm="none", headers=headers)).status == 400


@requirement("ISS-13")
def test_two_issuers_with_one_key_stay_apart(stack: Stack, scene: IssuerScene) -> None:
    twin = "https://twin.example/"
    trust(stack, scene.client, twin, audience="https://twin.example/api", jwks=(public_jwk(scene.issuer),))
    assert refused(stack, scene, scene.sign(iss=twin)) == "audience_wrong"
    of_twin = scene.exchange(scene.sign(iss=twin, aud="https://twin.example/api"))
    mine = scene.exchange()
    assert read_claims(of_twin.json["access_token"])["sub"] != read_claims(mine.json["access_token"])["sub"]


@requirement("ISS-09", "ISS-10", "STD-20")
def test_only_listed_tenants_pass_and_each_has_its_own_users(stack: Stack, scene: IssuerScene) -> None:
    several = "https://many.example/"
    trust(stack, scene.client, several, tenant_claim="tid", tenants=frozenset({"one", "two"}))
    many = IssuerScene(stack, scene.client, scene.secret, issuer=several)
    assert refused(stack, many, many.sign(tid="three")) == "tenant_not_accepted"
    assert refused(stack, many, many.sign()) == "subject_malformed"
    subs = {read_claims(many.exchange(many.sign(tid=one)).json["access_token"])["sub"] for one in ("one", "two")}
    assert len(subs) == 2


@requirement("ISS-27")
def test_required_and_refused_claims(stack: Stack, scene: IssuerScene) -> None:
    cognito = "https://cognito.example/"
    trust(
        stack,
        scene.client,
        cognito,
        typ="none",
        audience_claim="client_id",
        parties=frozenset(),
        require=(ClaimValues(claim="token_use", values=frozenset({"access"})),),
        refuse=(ClaimValues(claim="gty", values=frozenset({"client-credentials"})),),
    )
    pool = IssuerScene(stack, scene.client, scene.secret, issuer=cognito, more={"client_id": AUDIENCE})
    plain = {"header": {"typ": None}}
    assert pool.exchange(pool.sign(token_use="access", **plain)).status == 200
    assert refused(stack, pool, pool.sign(token_use="id", **plain)) == "required_claim_missing"
    machine = pool.sign(token_use="access", gty="client-credentials", **plain)
    assert refused(stack, pool, machine) == "refused_claim_present"


@requirement("ISS-25", "ISS-28")
def test_a_public_client_presents_tokens_for_the_broker_alone(stack: Stack, scene: IssuerScene) -> None:
    client, _ = stack.client()
    issuer = "https://spa.example/"
    trust(stack, client, issuer, audience=stack.settings.issuer, scopes=frozenset({"openid"}), resources=frozenset())
    spa = IssuerScene(stack, client, None, issuer=issuer, more={"aud": stack.settings.issuer})
    assert spa.exchange().status == 200


@requirement("ISS-28")
def test_an_api_that_was_shown_a_public_clients_token_gains_nothing(stack: Stack, scene: IssuerScene) -> None:
    item_key = client_item_key(scene.client.client_id)
    change(stack, item_key, token_endpoint_auth_method="none")
    stack.restart()
    public = IssuerScene(stack, read(stack, item_key), None)
    assert refused(stack, public, public.sign()) == "audience_not_for_public_clients"


@requirement("ISS-24", "STD-03")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"actor_token": "x", "actor_token_type": "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"scope": "orders:read admin"}, "invalid_scope"),
        ({"scope": "demo:notes:read"}, "invalid_scope"),
    ],
)
def test_a_request_for_more_is_refused(scene: IssuerScene, changed: dict[str, str], error: str) -> None:
    answer = scene.exchange(**changed)
    assert (answer.status, answer.json["error"]) == (400, error)
