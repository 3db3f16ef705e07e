"""A resource server written by others (Authlib) takes our access tokens by RFC 9068 section 4, and nothing else."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from chalicelib.records.resource import Resource
from cli.deployment.operations import create_resource
from tests.kit.http.bound import Holder
from tests.kit.http.stack import SCOPE, Stack
from tests.kit.http.tokens import CONFIDENTIAL
from tests.kit.requirement import requirement

API = "https://api.example/notes"
SCOPES = frozenset({*SCOPE.split(), "notes:read", "notes:write"})


class ResourceServer(JWTBearerTokenValidator):
    """It knows its own name and our issuer, and finds the rest in our metadata."""

    def get_jwks(self) -> Any:
        """Fetched each time."""
        metadata = requests.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=10).json()
        return requests.get(metadata["jwks_uri"], timeout=10).json()

    def take(self, token: str, *scopes: str) -> dict[str, Any]:
        """The claims of a token that is good here for these scopes."""
        claims = self.authenticate_token(token)
        self.validate_token(claims, list(scopes), None)
        return dict(claims)


@dataclass
class Tokens:
    """Of one user at one app: for the broker itself, and for an API."""

    stack: Stack
    own: dict[str, Any]
    api: dict[str, Any]

    def server(self, name: str = API) -> ResourceServer:
        return ResourceServer(issuer=self.stack.settings.issuer, resource_server=name)


@pytest.fixture
def tokens(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """Authlib looks at the clock on the wall."""
    monkeypatch.setattr(stack.clock, "now", lambda: int(time.time()))
    create_resource(stack.deployment, Resource(audience=API, scopes=frozenset({"notes:read", "notes:write"})))
    client, secret = stack.client(**CONFIDENTIAL, resources=frozenset({API}), scopes=SCOPES)
    sign_in = stack.sign_in(client, secret, scope="openid offline_access notes:read", resource=API)
    api = stack.redeem(sign_in).json
    own = stack.refresh(sign_in, api["refresh_token"], resource=stack.settings.issuer).json
    return Tokens(stack, own, api)


@requirement("AT-01")
def test_a_token_for_an_api_is_taken_there_for_its_scopes(tokens: Tokens) -> None:
    claims = tokens.server().take(tokens.api["access_token"], "notes:read")
    assert claims["aud"] == API and claims["sub"] != claims["client_id"]
    with pytest.raises(InsufficientScopeError):
        tokens.server().take(tokens.api["access_token"], "notes:write")
    own = tokens.server(tokens.stack.settings.issuer).take(tokens.own["access_token"], "openid")
    assert (own["sub"], own["client_id"]) == (claims["sub"], claims["client_id"])


@requirement("AT-01", "DPOP-01")
def test_a_client_for_itself_and_one_with_a_key_get_such_tokens_too(tokens: Tokens) -> None:
    stack = tokens.stack
    fields = {**CONFIDENTIAL, "grant_types": frozenset({"client_credentials"}), "scopes": frozenset({"notes:read"})}
    client, secret = stack.client(**fields, resources=frozenset({API}))
    holder = Holder(stack)
    answer = stack.token(client, secret, grant_type="client_credentials", resource=API, headers=holder.proof())
    claims = tokens.server().take(answer.json["access_token"], "notes:read")
    assert claims["sub"] == claims["client_id"] == client.client_id  # RFC 9068 section 2.2
    assert claims["cnf"] == {"jkt": holder.key.jkt}


@requirement("AT-01", "TOK-10")
@pytest.mark.parametrize("wrong", ["another API's", "an ID token", "another issuer's", "over"])
def test_nothing_else_is_taken(tokens: Tokens, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token, server = tokens.api["access_token"], tokens.server()
    server.take(token)
    if wrong == "another API's":
        server = tokens.server("https://api.example")
    elif wrong == "an ID token":
        token = tokens.api["id_token"]
        server = tokens.server(tokens.server().authenticate_token(token)["aud"])
    elif wrong == "another issuer's":
        server.validate_iss = lambda claims, iss: iss == "https://issuer.example"
    else:
        ends = time.time() + tokens.api["expires_in"]
        monkeypatch.setattr(time, "time", lambda: ends + 1)
    with pytest.raises(InvalidTokenError):
        server.take(token)
