"""Sign-ins with providers that others wrote."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import requests

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from cli.deployment.operations import set_provider
from tests.interop.oracles.person import walk
from tests.kit.http.browser import Answer
from tests.kit.http.stack import SignIn, Stack, challenge

SECRET = "canary-registration-secret-0123456789"
VERIFIER = "v" * 43


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


def get_api(url: str, token: str) -> dict[str, Any]:
    """Call the provider's API as the app does."""
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    document: dict[str, Any] = answer.json()
    return document
