"""The keys of a trusted issuer: pinned address, few fetches, and 503 where nobody can know."""

import json

import pytest

from cli.deployment.issuers import forget_keys
from tests.kit.http.documents import Site
from tests.kit.http.issuers import IssuerScene, public_jwk, start_issuer_scene
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

JWKS = "https://client.example/jwks"
NAME = "https://idp.example/tenant-a/"


@pytest.fixture
def scene(stack: Stack, site: Site) -> IssuerScene:
    site.asked.clear()
    stack.targets += site.targets()
    stack.restart()
    publish(site, NAME)
    return start_issuer_scene(stack, jwks=(), jwks_uri=JWKS)


def publish(site: Site, *kids: str, status: int = 200) -> None:
    site.put(json.dumps({"keys": [public_jwk(kid) for kid in kids]}), path="/jwks", status=status)


@requirement("ISS-15", "ISS-12")
def test_unknown_key_ids_cause_one_fetch_a_minute(stack: Stack, site: Site, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200 and site.asked["/jwks"] == 1
    for number in range(20):
        assert scene.exchange(scene.sign(header={"kid": f"unknown-{number}"})).status == 400
    assert site.asked["/jwks"] == 1, "the key set was just fetched"
    stack.clock.advance(61)
    for number in range(20):
        assert scene.exchange(scene.sign(header={"kid": f"unknown-{number}"})).status == 400
    assert site.asked["/jwks"] == 2


@requirement("ISS-01", "ISS-03")
def test_nothing_is_fetched_for_what_is_refused_anyway(site: Site, scene: IssuerScene) -> None:
    for claims in ({"aud": "other"}, {"azp": "other"}, {"exp": 1}, {"iss": "https://nobody.example"}):
        assert scene.exchange(scene.sign(**claims)).status == 400
    assert site.asked["/jwks"] == 0


@requirement("ISS-16")
def test_a_key_that_the_issuer_removed_ends_at_the_next_fetch(stack: Stack, site: Site, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200
    publish(site, "another")
    assert scene.exchange().status == 200
    stack.clock.advance(601)
    assert scene.exchange().status == 400


@requirement("ISS-16", "ISS-32")
def test_forget_keys_reaches_a_process_at_once(stack: Stack, site: Site, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200
    publish(site, "another")
    forget_keys(stack.deployment, NAME)
    assert scene.exchange().status == 400, "the record in the cache is older than the read"


@requirement("ISS-17")
def test_without_keys_the_answer_is_503_and_nothing_is_written(stack: Stack, site: Site, scene: IssuerScene) -> None:
    publish(site, NAME, status=500)
    with stack.dynamodb.counted() as calls:
        answer = scene.exchange()
    assert answer.status == 503 and answer.json["error"] == "temporarily_unavailable" and answer.header("retry-after")
    assert set(calls) <= {"BatchGetItem"}
    publish(site, NAME)
    stack.clock.advance(11)
    assert scene.exchange().status == 200


@requirement("ISS-17")
def test_stale_keys_serve_for_an_hour_and_no_longer(stack: Stack, site: Site, scene: IssuerScene) -> None:
    assert scene.exchange().status == 200
    publish(site, NAME, status=500)
    stack.clock.advance(3590)
    assert scene.exchange().status == 200
    stack.clock.advance(80)
    assert scene.exchange().status == 503
