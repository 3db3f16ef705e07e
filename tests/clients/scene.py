"""What a library finds when it comes to us: a broker that runs, apps that are registered there, and a person."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import jwt
import requests
from joserfc.jwk import ECKey

from chalicelib.adapters.https import LocalTarget
from chalicelib.adapters.system import SystemClock
from chalicelib.custody.jobs import run_due_jobs
from chalicelib.records.resource import Resource
from cli.operations import create_resource
from tests.clients.helper import DESCRIBED, PROTECTED, Guarded, Helper
from tests.clients.person import Person, without_query
from tests.flow.documents import URL, Site
from tests.flow.stack import APP, Parts, Stack

SCOPE = "openid profile email offline_access demo:notes:read"
OPEN = "openid profile email offline_access"
JOBS = "jobs:run"
GRANT = "urn:ietf:params:oauth:grant-type:"
TOOLS = "tools:call"


class App(NamedTuple):
    """A registered app, as its developer knows it; `secret` is empty where it has none.

    key   the private key of one that proves itself with a key, as a JWK; only its public half is registered
    """

    client_id: str
    secret: str
    redirect_uri: str
    key: Mapping[str, Any] = {}


class Scene:
    """A broker of its own, under the real clock: others' libraries read no other.

    callback   the redirect URI of its apps: a page of the helper, or an address where nobody is
    server     an MCP server's address: without a token it answers 401 and where its metadata is, and no more
    """

    def __init__(self, parts: Parts, page: str = "") -> None:
        self.helper, self._folder = Helper(), TemporaryDirectory()
        self.site = Site(Path(self._folder.name))
        self.stack = Stack(
            parts, open_registration=True, client_id_documents=True, device_poll_seconds=1, dpop_nonce="required"
        )
        port = int(self.helper.url.rpartition(":")[2])
        self.stack.targets += [*self.site.targets(), LocalTarget(host="127.0.0.1", port=port, address="127.0.0.1")]
        self.stack.clock = SystemClock()  # type: ignore[assignment]
        self.stack.restart()
        self.alice = Person(self.stack)
        self.issuer = self.stack.settings.issuer
        self.callback = f"{self.helper.url}{page}" if page else APP
        self.notes = f"{self.stack.provider.url}/api/notes"
        self.server = f"{self.helper.url}{PROTECTED}"
        create_resource(self.stack.deployment, Resource(audience=self.server, scopes=frozenset({TOOLS})))
        self.helper.answerers |= {"/person": self.person, "/device": self.device, "/leave": self.leave}
        self.helper.guard = self._guard
        self.helper.documents[DESCRIBED] = {
            "resource": self.server,
            "authorization_servers": [self.issuer],
            "scopes_supported": [TOOLS],
        }

    def stop(self) -> None:
        """Close what was opened."""
        self.helper.stop()
        self.site.stop()
        self._folder.cleanup()

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The document that the broker publishes."""
        answer = requests.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=10)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    @cached_property
    def public(self) -> App:
        """A public client: no secret, PKCE."""
        return self.app(token_endpoint_auth_method="none")

    @cached_property
    def web(self) -> App:
        """A confidential one of client_secret_basic."""
        return self.app(token_endpoint_auth_method="client_secret_basic")

    @cached_property
    def machine(self) -> App:
        """A job without a user."""
        return self.app(
            grant_types=frozenset({"client_credentials"}),
            redirect_uris=(),
            scopes=frozenset({JOBS}),
            token_endpoint_auth_method="client_secret_basic",
        )

    @cached_property
    def documented(self) -> App:
        """A public client that nobody has registered: its name is the address of a document about it."""
        self.site.describe(URL, redirect_uris=[self.callback])
        return App(URL, "", self.callback)

    @cached_property
    def told(self) -> App:
        """A confidential app that is told when a session of its user has ended."""
        return self.app(
            token_endpoint_auth_method="client_secret_basic", backchannel_logout_uri=f"{self.helper.url}/told"
        )

    @cached_property
    def television(self) -> App:
        """A device without a browser."""
        grants = frozenset({f"{GRANT}device_code", "refresh_token"})
        return self.app(token_endpoint_auth_method="none", redirect_uris=(), grant_types=grants)

    @cached_property
    def agent(self) -> App:
        """A public client that may ask for the MCP server."""
        scopes = frozenset({*SCOPE.split(), TOOLS})
        return self.app(token_endpoint_auth_method="none", scopes=scopes, resources=frozenset({self.server}))

    @cached_property
    def robot(self) -> App:
        """A job without a user that may ask for the MCP server."""
        return self.app(
            grant_types=frozenset({"client_credentials"}),
            redirect_uris=(),
            scopes=frozenset({TOOLS}),
            resources=frozenset({self.server}),
            token_endpoint_auth_method="client_secret_basic",
        )

    @cached_property
    def keyed(self) -> App:
        """An app that proves itself with a key and may ask for the MCP server, with a user and without."""
        key = ECKey.generate_key("P-256", {"kid": "first", "use": "sig", "alg": "ES256"})
        found = self.app(
            token_endpoint_auth_method="private_key_jwt",
            jwks=(key.as_dict(private=False),),
            grant_types=frozenset({"authorization_code", "refresh_token", "client_credentials"}),
            scopes=frozenset({*SCOPE.split(), JOBS, TOOLS}),
            resources=frozenset({self.server}),
        )
        return found._replace(key=key.as_dict(private=True))

    @cached_property
    def api(self) -> App:
        """An API that asks whether a token is alive."""
        return self.app(
            grant_types=frozenset(),
            redirect_uris=(),
            token_endpoint_auth_method="client_secret_basic",
            serves=frozenset({self.issuer}),
        )

    def app(self, **fields: Any) -> App:
        """Register one more."""
        uris = {"redirect_uris": (self.callback,), "post_logout_redirect_uris": (self.callback,)}
        client, secret = self.stack.client(**{**uris, **fields})
        return App(client.client_id, secret or "", self.callback)

    def person(self, authorization_url: str) -> str:
        """What a person does in the browser: the URL at which the app is called back."""
        assert authorization_url.startswith(f"{self.issuer}/authorize?"), authorization_url
        found = self.alice.sign_in(authorization_url)
        assert without_query(found) == self.callback, found
        return found

    def device(self, verification_uri: str) -> str:
        """What a person does with the address that a device shows."""
        said = self.alice.approve(verification_uri)
        assert "You can go back to your device" in said, said[-500:]
        return "approved"

    def leave(self, end_session_url: str) -> str:
        """What a person's browser does when the app signs it out: the URL at which it ends."""
        assert end_session_url.startswith(self.metadata["end_session_endpoint"] + "?"), end_session_url
        return self.alice.leave(end_session_url)

    def tell(self) -> str:
        """What the app is sent, in a job of the broker's, once its user has signed out."""
        heard: list[str] = []
        self.helper.answerers["/told"] = lambda body: heard.append(body) or ""
        list(run_due_jobs(self.stack.broker))
        (body,) = heard
        return body

    def _guard(self, authorization: str) -> Guarded:
        """The MCP server looks at a token: signature by the broker's key set, issuer, its own audience."""
        scheme, _, token = authorization.partition(" ")
        challenge = f'Bearer resource_metadata="{self.helper.url}{DESCRIBED}"'
        if scheme != "Bearer":
            return Guarded(401, "", challenge)
        try:
            key = jwt.PyJWKClient(self.metadata["jwks_uri"]).get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, ["ES256"], audience=self.server, issuer=self.issuer)
        except jwt.PyJWTError as error:
            return Guarded(401, str(error), f'{challenge}, error="invalid_token"')
        return Guarded(200, f"hello {claims['client_id']}")
