"""The apps that are registered at the broker of a scene, each when it is first wanted."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from joserfc.jwk import ECKey

from demo.mcp.notes import READ, WRITE
from tests.interop.clients.helper import Helper
from tests.kit.http.documents import URL, Site
from tests.kit.http.stack import Stack

SCOPE = "openid profile email offline_access demo:notes:read"
OPEN = "openid profile email offline_access"
JOBS = "jobs:run"
GRANT = "urn:ietf:params:oauth:grant-type:"


class App(NamedTuple):
    """A registered app, as its developer knows it; `secret` is empty where it has none.

    key   the private key of one that proves itself with a key, as a JWK; only its public half is registered
    """

    client_id: str
    secret: str
    redirect_uri: str
    key: Mapping[str, Any] = {}


class Apps:
    """Where they are registered: `stack`; `callback` is the redirect URI of them all, `server` an MCP server."""

    stack: Stack
    helper: Helper
    site: Site
    issuer: str
    callback: str
    server: str

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
        scopes = frozenset({*SCOPE.split(), READ, WRITE})
        return self.app(token_endpoint_auth_method="none", scopes=scopes, resources=frozenset({self.server}))

    @cached_property
    def tools(self) -> App:
        """The service behind the MCP server, which may act there for `acted`."""
        return self.app(
            grant_types=frozenset({"client_credentials", f"{GRANT}token-exchange"}),
            redirect_uris=(),
            scopes=frozenset({READ}),
            resources=frozenset({self.server}),
            serves=frozenset({self.server}),
            token_endpoint_auth_method="client_secret_basic",
        )

    @cached_property
    def acted(self) -> App:
        """A public client for which another acts."""
        return self.app(
            token_endpoint_auth_method="none",
            scopes=frozenset({*OPEN.split(), READ}),
            resources=frozenset({self.server}),
            may_be_acted_by=frozenset({self.tools.client_id}),
        )

    @cached_property
    def robot(self) -> App:
        """A job without a user that may ask for the MCP server."""
        return self.app(
            grant_types=frozenset({"client_credentials"}),
            redirect_uris=(),
            scopes=frozenset({READ}),
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
            scopes=frozenset({*SCOPE.split(), JOBS, READ}),
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
