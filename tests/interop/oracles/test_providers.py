"""Providers written by others: the broker signs in with them, and what it hands out opens their API."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from cli.deployment.operations import set_provider
from tests.interop.oracles.person import walk
from tests.kit.http.browser import Answer
from tests.kit.http.stack import SignIn, Stack, challenge
from tests.kit.requirement import requirement

PROVIDERS = ("local/providers", "tests/interop/oracles/providers")
SECRET = "canary-registration-secret-0123456789"
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def openid_mock() -> Iterator[str]:
    """The issuer of oidc-provider-mock."""
    mock = pytest.importorskip("oidc_provider_mock", reason="oidc-provider-mock is not installed for this Python")
    claims = {"name": "Carol Mock", "email": "carol@mock.example", "email_verified": True}
    with mock.run_server_in_thread(user_claims=[mock.User(sub="carol", claims=claims)]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def toolkit(make_stack: Callable[..., Stack], tmp_path: Path) -> Iterator[tuple[Stack, str]]:
    """A broker that knows Django OAuth Toolkit, and the latter's address."""
    pytest.importorskip("oauth2_provider", reason="Django OAuth Toolkit is not installed for this Python")
    stack = make_stack(provider_dirs=PROVIDERS)
    callback = f"{stack.settings.issuer}/callback/toolkit"
    command = [sys.executable, "-m", "tests.interop.oracles.toolkit", str(tmp_path), callback]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            ready = json.loads(process.stdout.readline())
            introduce(stack, "toolkit", ready["url"], "127.0.0.1", ready["client_id"], ready["client_secret"])
            yield stack, ready["url"]
        finally:
            process.terminate()


def introduce(
    stack: Stack, provider_id: str, issuer: str, host: str, client_id: str = "broker", secret: str = SECRET
) -> None:
    """Switch the provider on; the guarded fetcher lets nobody else through on loopback."""
    set_provider(stack.deployment, provider_id, client_id=client_id, client_secret=secret, issuer=issuer)
    stack.targets.append(LocalTarget(host=host, port=int(issuer.rsplit(":", 1)[1]), address="127.0.0.1"))
    stack.restart()


def sign_in(stack: Stack, provider_id: str, scope: str, person: Callable[[str], str]) -> tuple[SignIn, dict[str, Any]]:
    """Through page and provider to our tokens."""
    client, _ = stack.client(scopes=frozenset(scope.split()))
    parameters = stack.authorize_parameters(
        client, scope=scope, provider=provider_id, code_challenge=challenge(VERIFIER)
    )
    request = requests.Request("GET", f"{stack.settings.issuer}/authorize", params=parameters).prepare()
    callback = walk(stack, request.url or "", person, provider_id)
    done = Answer(303, (("location", callback),), "")
    way = SignIn(
        client,
        None,
        parameters["redirect_uri"],
        VERIFIER,
        parameters["state"],
        parameters["nonce"],
        stack.browser(),
        done,
    )
    tokens = stack.redeem(way)
    assert tokens.status == 200, tokens.body
    return way, tokens.json


def as_carol(authorization_url: str) -> str:
    """Signs in at the mock: where it sends the browser."""
    answer = requests.post(authorization_url, data={"sub": "carol"}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text[-500:]
    return answer.headers["Location"]


def as_ada(authorization_url: str) -> str:
    """Signs in at the toolkit's site and returns to its authorization endpoint."""
    session, url = requests.Session(), authorization_url
    while True:
        answer = session.get(url, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text[-500:]
        following = urljoin(url, answer.headers["Location"])
        if "/callback/" in following.split("?")[0]:
            return following
        url = following


@requirement("CB-07", "CB-08", "META-01")
def test_oidc_provider_mock_needs_nothing_but_its_issuer(stack: Stack, openid_mock: str) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    way, tokens = sign_in(stack, "oidc", "openid profile email offline_access oidc:profile", as_carol)
    profile = stack.userinfo(tokens["access_token"]).json
    assert profile["name"] == "Carol Mock"
    assert (profile["email"], profile["email_verified"]) == ("carol@mock.example", True)
    handed = stack.exchange(way, tokens["access_token"], audience="oidc")
    assert handed.status == 200, handed.body
    theirs = _get(f"{openid_mock}/userinfo", handed.json["access_token"])
    assert theirs["sub"] == "carol" and theirs["name"] == "Carol Mock"
    again = stack.refresh(way, tokens["refresh_token"]).json
    assert stack.userinfo(again["access_token"]).json["sub"] == profile["sub"] != "carol"


@requirement("CB-09")
def test_the_mocks_user_has_one_sub_with_us_at_every_sign_in(stack: Stack, openid_mock: str) -> None:
    introduce(stack, "oidc", openid_mock, "localhost")
    subs = set()
    for _ in range(2):
        _, tokens = sign_in(stack, "oidc", "openid profile", as_carol)
        subs.add(stack.userinfo(tokens["access_token"]).json["sub"])
    assert len(subs) == 1


@requirement("CB-07", "CB-09", "VLT-02")
def test_django_oauth_toolkit_as_a_plain_oauth_provider(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", "openid profile email offline_access toolkit:tasks", as_ada)
    profile = stack.userinfo(tokens["access_token"]).json
    assert profile["name"] == "Ada Lovelace" and profile["preferred_username"] == "ada"
    assert (profile["email"], profile["email_verified"]) == ("ada@toolkit.example", False)
    handed = stack.exchange(way, tokens["access_token"], audience="toolkit")
    assert handed.status == 200, handed.body
    assert set(handed.json["scope"].split()) == {"account", "tasks"} and "refresh_token" not in handed.json
    assert _get(f"{url}/api/tasks", handed.json["access_token"])["tasks"]
    assert _get(f"{url}/api/account", handed.json["access_token"])["user"]["login"] == "ada"


@requirement("CB-11", "VLT-10")
def test_the_toolkits_token_opens_no_more_than_was_asked_for(toolkit: tuple[Stack, str]) -> None:
    stack, url = toolkit
    way, tokens = sign_in(stack, "toolkit", "openid toolkit:account", as_ada)
    handed = stack.exchange(way, tokens["access_token"], audience="toolkit").json
    assert handed["scope"] == "account"
    bearer = {"Authorization": f"Bearer {handed['access_token']}"}
    assert requests.get(f"{url}/api/tasks", headers=bearer, timeout=10).status_code == 403


def _get(url: str, token: str) -> dict[str, Any]:
    """Call the provider's API as the app does."""
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    document: dict[str, Any] = answer.json()
    return document
