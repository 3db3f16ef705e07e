"""Clients written by others run a whole sign-in with us, told nothing but the issuer."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import AccessDeniedError, BackendApplicationClient, InvalidGrantError
from requests_oauthlib import OAuth2Session as OauthlibSession

from chalicelib.records.client import Client
from local.provider import RunningProvider
from tests.flow.stack import APP, SCOPE, Stack
from tests.oracles.person import walk
from tests.requirement import requirement

METHODS = ("none", "client_secret_basic", "client_secret_post")
every_method = pytest.mark.parametrize("method", METHODS)
MACHINE: dict[str, Any] = {
    "grant_types": frozenset({"client_credentials"}),
    "redirect_uris": (),
    "scopes": frozenset({"jobs:run"}),
    "handout": "none",
}


def read_metadata(stack: Stack) -> dict[str, Any]:
    """What a client knows of us."""
    answer = requests.get(f"{stack.settings.issuer}/.well-known/oauth-authorization-server", timeout=10)
    document: dict[str, Any] = answer.json()
    assert document["issuer"] == stack.settings.issuer
    return document


def as_alice(provider: RunningProvider) -> Callable[[str], str]:
    return lambda url: provider.sign_in(url, "alice")


@requirement("META-02", "TOK-02", "REV-03", "REF-02")
@every_method
def test_authlib_signs_in_refreshes_and_revokes(stack: Stack, method: str) -> None:
    client, secret = stack.client(token_endpoint_auth_method=method)
    metadata = read_metadata(stack)
    assert method in metadata["token_endpoint_auth_methods_supported"]
    session = _authlib(client, secret, metadata)
    verifier = "authlib-" + "v" * 40
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="n" * 20
    )
    callback = walk(stack, url, as_alice(stack.provider))
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
    )
    assert set(token["scope"].split()) == set(SCOPE.split())
    assert session.get(metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")
    old = dict(token)
    fresh = session.refresh_token(metadata["token_endpoint"])
    assert fresh["refresh_token"] != old["refresh_token"] and fresh["access_token"] != old["access_token"]
    assert session.get(metadata["userinfo_endpoint"]).status_code == 200
    gone = session.revoke_token(
        metadata["revocation_endpoint"], token=fresh["refresh_token"], token_type_hint="refresh_token"
    )
    assert gone.status_code == 200 and gone.json() == {}
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(metadata["token_endpoint"], refresh_token=fresh["refresh_token"])


@requirement("AUTHZ-12", "CODE-06")
@every_method
def test_requests_oauthlib_signs_in_refreshes_and_revokes(stack: Stack, method: str) -> None:
    client, secret = stack.client(token_endpoint_auth_method=method)
    metadata = read_metadata(stack)
    session = OauthlibSession(client.client_id, redirect_uri=APP, scope=SCOPE.split(), pkce="S256")
    url, _ = session.authorization_url(metadata["authorization_endpoint"], nonce="n" * 20)
    callback = walk(stack, url, as_alice(stack.provider))
    credentials = _oauthlib_credentials(client, secret)
    token = session.fetch_token(metadata["token_endpoint"], authorization_response=callback, **credentials)
    assert set(token["scope"]) == set(SCOPE.split())
    assert session.get(metadata["userinfo_endpoint"]).json()["name"].startswith("Alice")
    fresh = session.refresh_token(metadata["token_endpoint"], **_refresh_credentials(client, secret))
    assert fresh["refresh_token"] != token["refresh_token"]
    assert session.get(metadata["userinfo_endpoint"]).status_code == 200
    _, headers, body = session._client.prepare_token_revocation_request(
        metadata["revocation_endpoint"], fresh["refresh_token"]
    )
    extra = _refresh_credentials(client, secret)
    form = dict(pair.split("=", 1) for pair in body.split("&")) | {k: v for k, v in extra.items() if k != "auth"}
    gone = requests.post(
        metadata["revocation_endpoint"], data=form, headers=headers, auth=extra.get("auth"), timeout=10
    )
    assert gone.status_code == 200
    with pytest.raises(InvalidGrantError):
        session.refresh_token(metadata["token_endpoint"], **_refresh_credentials(client, secret))


@requirement("CB-10", "AUTHZ-12", "AUTHZ-13")
def test_requests_oauthlib_is_told_of_a_refusal_at_the_provider(stack: Stack) -> None:
    client, _ = stack.client()
    metadata = read_metadata(stack)
    session = OauthlibSession(client.client_id, redirect_uri=APP, scope=SCOPE.split(), pkce="S256")
    url, _ = session.authorization_url(metadata["authorization_endpoint"])
    callback = walk(stack, url, lambda left: stack.provider.sign_in(left, "refuse"))
    with pytest.raises(AccessDeniedError):
        session.fetch_token(metadata["token_endpoint"], authorization_response=callback, include_client_id=True)


@requirement("CODE-03", "CODE-04")
def test_authlib_is_told_invalid_grant_when_it_redeems_twice(stack: Stack) -> None:
    client, secret = stack.client()
    metadata = read_metadata(stack)
    session = _authlib(client, secret, metadata)
    verifier = "v" * 43
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    callback = walk(stack, url, as_alice(stack.provider))
    answer = {"authorization_response": callback, "state": state, "code_verifier": verifier}
    session.fetch_token(metadata["token_endpoint"], **answer)
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.fetch_token(metadata["token_endpoint"], **answer)
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401


@pytest.mark.parametrize("method", METHODS[1:])
def test_authlib_gets_a_token_of_its_own(stack: Stack, method: str) -> None:
    client, secret = _machine(stack, method)
    metadata = read_metadata(stack)
    session = AuthlibSession(client.client_id, secret, token_endpoint_auth_method=method, scope="jobs:run")
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "jobs:run" and "refresh_token" not in token


@pytest.mark.parametrize("method", METHODS[1:])
def test_requests_oauthlib_gets_a_token_of_its_own(stack: Stack, method: str) -> None:
    client, secret = _machine(stack, method)
    session = OauthlibSession(client=BackendApplicationClient(client.client_id), scope=["jobs:run"])
    token = session.fetch_token(read_metadata(stack)["token_endpoint"], **_oauthlib_credentials(client, secret))
    assert token["scope"] == ["jobs:run"] and "refresh_token" not in token


@requirement("TOK-02", "TOK-03")
def test_authlib_with_a_wrong_secret_is_told_invalid_client(stack: Stack) -> None:
    client, _ = _machine(stack, "client_secret_basic")
    session = AuthlibSession(client.client_id, "0" * 64, scope="jobs:run")
    with pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token(read_metadata(stack)["token_endpoint"], grant_type="client_credentials")


@requirement("XCH-02", "VLT-02", "VLT-03")
def test_authlib_swaps_its_token_for_the_providers(stack: Stack) -> None:
    client, secret = stack.client(token_endpoint_auth_method="client_secret_basic")
    metadata = read_metadata(stack)
    session = _authlib(client, secret, metadata)
    verifier = "v" * 43
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    callback = walk(stack, url, as_alice(stack.provider))
    answer = {"authorization_response": callback, "state": state, "code_verifier": verifier}
    ours = session.fetch_token(metadata["token_endpoint"], **answer)["access_token"]
    theirs = session.fetch_token(
        metadata["token_endpoint"],
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=ours,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience="demo",
        scope="notes:read",
    )
    assert theirs["access_token"] != ours and "refresh_token" not in theirs
    notes = session.get(f"{stack.provider.url}/api/notes")
    assert notes.status_code == 200 and notes.json()["notes"]
    assert (
        requests.get(metadata["userinfo_endpoint"], auth=_Bearer(theirs["access_token"]), timeout=10).status_code == 401
    )


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _machine(stack: Stack, method: str) -> tuple[Client, str | None]:
    return stack.client(token_endpoint_auth_method=method, **MACHINE)


def _authlib(client: Client, secret: str | None, metadata: dict[str, Any]) -> AuthlibSession:
    method = client.token_endpoint_auth_method
    return AuthlibSession(
        client.client_id,
        secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=SCOPE,
        redirect_uri=APP,
        code_challenge_method="S256",
    )


def _oauthlib_credentials(client: Client, secret: str | None) -> dict[str, Any]:
    """How this library is told the method of authentication."""
    if client.token_endpoint_auth_method == "client_secret_basic":
        return {"auth": requests.auth.HTTPBasicAuth(client.client_id, secret or "")}
    if client.token_endpoint_auth_method == "client_secret_post":
        return {"include_client_id": True, "client_secret": secret}
    return {"include_client_id": True}


def _refresh_credentials(client: Client, secret: str | None) -> dict[str, Any]:
    """The same for its refresh, which adds nothing by itself."""
    if client.token_endpoint_auth_method == "client_secret_basic":
        return {"auth": requests.auth.HTTPBasicAuth(client.client_id, secret or "")}
    more = {"client_secret": secret} if secret else {}
    return {"client_id": client.client_id, **more}
