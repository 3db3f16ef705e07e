"""Provider metadata and keys: how long they serve, and when they are asked for again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.providers.catalog import load_catalog
from chalicelib.upstream.http import HttpResponse, ProviderMisbehaved, ProviderUnavailable
from tests.kit.requirement import requirement

ISSUER = "https://idp.example.com"
OIDC = load_catalog().get("oidc")
GITHUB = load_catalog().get("github")
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def key(kid: str) -> dict[str, str]:
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": "x", "y": "y"}


class Clock:
    """Tells what it is set to."""

    at = 1_000_000

    def now(self) -> int:
        return self.at


class World:
    """Answers by URL, counts the fetches, can be down or slow."""

    def __init__(self) -> None:
        self.documents: dict[str, object] = {
            f"{ISSUER}/.well-known/openid-configuration": METADATA,
            f"{ISSUER}/keys": {"keys": [key("one")]},
        }
        self.fetched: list[str] = []
        self.down = False
        self.seconds = 0.0

    def fetch(self, request, *, timeout_seconds=8.0, max_bytes=262_144):
        self.fetched.append(request.url)
        time.sleep(self.seconds)
        if self.down:
            raise ProviderUnavailable("connect_failed")
        body = msgspec.json.encode(self.documents[request.url])
        return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def directory(world, clock):
    return ProviderDirectory(world, clock)


def kids(keys) -> list[str]:
    return [each["kid"] for each in keys["keys"]]


def test_a_file_without_discovery_needs_no_fetch(directory, world):
    assert directory.endpoints(GITHUB, None).token_endpoint == "https://github.com/login/oauth/access_token"
    assert world.fetched == []


def test_metadata_serves_for_an_hour(directory, world, clock):
    first = directory.endpoints(OIDC, ISSUER)
    clock.at += 3599
    assert directory.endpoints(OIDC, ISSUER) == first
    assert len(world.fetched) == 1
    clock.at += 1
    directory.endpoints(OIDC, ISSUER)
    assert len(world.fetched) == 2


def test_a_generic_provider_without_an_issuer_is_refused(directory):
    with pytest.raises(ProviderMisbehaved, match="issuer_not_configured"):
        directory.endpoints(OIDC, None)


def test_a_provider_that_is_down_is_served_stale_for_a_day_and_asked_once_a_minute(directory, world, clock):
    first = directory.endpoints(OIDC, ISSUER)
    world.down = True
    clock.at += 3600
    assert directory.endpoints(OIDC, ISSUER) == first
    clock.at += 59
    assert directory.endpoints(OIDC, ISSUER) == first
    assert len(world.fetched) == 2
    clock.at += 1
    assert directory.endpoints(OIDC, ISSUER) == first
    assert len(world.fetched) == 3
    clock.at += 86_400
    with pytest.raises(ProviderUnavailable):
        directory.endpoints(OIDC, ISSUER)


def test_metadata_that_turns_bad_does_not_replace_what_was_good(directory, world, clock):
    first = directory.endpoints(OIDC, ISSUER)
    world.documents[f"{ISSUER}/.well-known/openid-configuration"] = {**METADATA, "issuer": "https://attacker.example"}
    clock.at += 3600
    assert directory.endpoints(OIDC, ISSUER) == first


@requirement("CB-08")
def test_an_unknown_key_id_causes_one_fetch_a_minute_however_often_it_is_sent(directory, world, clock):
    endpoints = directory.endpoints(OIDC, ISSUER)
    directory.jwks(OIDC, endpoints, "one")
    clock.at += 60
    before = len(world.fetched)
    for _ in range(20):
        assert kids(directory.jwks(OIDC, endpoints, "forged")) == ["one"]
    assert len(world.fetched) == before + 1
    clock.at += 60
    directory.jwks(OIDC, endpoints, "forged")
    assert len(world.fetched) == before + 2


@requirement("F19", "CB-08")
def test_ten_thousand_unknown_key_ids_at_once_cause_one_fetch_a_minute(directory, world, clock):
    endpoints = directory.endpoints(OIDC, ISSUER)
    directory.jwks(OIDC, endpoints, "one")
    before, minutes = world.fetched.count(f"{ISSUER}/keys"), 10
    with ThreadPoolExecutor(16) as crowd:
        for minute in range(minutes):
            clock.at += 60
            forged = [f"forged-{minute}-{number}" for number in range(10_000 // minutes)]
            found = crowd.map(lambda kid: kids(directory.jwks(OIDC, endpoints, kid)), forged)
            assert all(known == ["one"] for known in found)
    assert world.fetched.count(f"{ISSUER}/keys") - before == minutes


def test_a_new_key_is_found_and_a_key_that_a_fetch_no_longer_names_is_gone(directory, world, clock):
    endpoints = directory.endpoints(OIDC, ISSUER)
    assert kids(directory.jwks(OIDC, endpoints, "one")) == ["one"]
    world.documents[f"{ISSUER}/keys"] = {"keys": [key("two")]}
    clock.at += 60
    assert kids(directory.jwks(OIDC, endpoints, "two")) == ["two"]
    world.down = True
    clock.at += 3600
    assert kids(directory.jwks(OIDC, endpoints, "one")) == ["two"]


def test_an_unknown_key_id_while_the_provider_is_down_leaves_the_known_keys(directory, world, clock):
    endpoints = directory.endpoints(OIDC, ISSUER)
    directory.jwks(OIDC, endpoints, None)
    world.down = True
    clock.at += 61
    assert kids(directory.jwks(OIDC, endpoints, "two")) == ["one"]


def test_a_provider_without_a_key_set_verifies_nothing(directory):
    with pytest.raises(ProviderMisbehaved, match="jwks_uri_missing"):
        directory.jwks(GITHUB, directory.endpoints(GITHUB, None), None)


def test_callers_at_once_make_one_fetch(directory, world):
    world.seconds = 0.05
    callers = [threading.Thread(target=directory.endpoints, args=(OIDC, ISSUER)) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(world.fetched) == 1


def test_two_issuers_of_one_file_are_kept_apart(directory, world):
    other = "https://other.example.com"
    document = {name: value.replace(ISSUER, other) for name, value in METADATA.items()}
    world.documents[f"{other}/.well-known/openid-configuration"] = document
    assert directory.endpoints(OIDC, ISSUER).token_endpoint != directory.endpoints(OIDC, other).token_endpoint
