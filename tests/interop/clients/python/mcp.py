"""The MCP Python SDK: given the address of a server and nothing else, it finds out the rest from the 401."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx2
import mcp.client.auth
import mcp.client.auth.extensions.client_credentials as machines
from joserfc.jwk import ECKey
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from demo.mcp.notes import READ, WRITE
from tests.interop.clients.apps import App
from tests.interop.clients.scene import Scene

API = (mcp.client.auth, OAuthClientProvider, OAuthClientMetadata, machines)


def code(scene: Scene) -> None:
    """The consent is widened once a tool wants more."""
    kept = Kept(scene.agent, scene)
    provider = person(scene, kept)
    assert f" by {scene.agent.client_id} with " in use(scene, provider, "whoami")
    assert kept.tokens and WRITE not in (kept.tokens.scope or "").split()
    assert use(scene, provider, "add_note", text="by an agent") == "noted: by an agent"
    assert kept.tokens and WRITE in (kept.tokens.scope or "").split()


def refresh(scene: Scene) -> None:
    kept = Kept(scene.agent, scene)
    provider = person(scene, kept)
    use(scene, provider, "whoami")
    held = kept.tokens
    provider.context.token_expiry_time = 1.0  # as if its time were over
    assert use(scene, provider, "read_notes")
    assert held and kept.tokens and kept.tokens.access_token != held.access_token
    assert kept.tokens.refresh_token != held.refresh_token


def client_credentials(scene: Scene) -> None:
    provider = machines.ClientCredentialsOAuthProvider(
        server_url=scene.server,
        storage=Kept(),
        client_id=scene.robot.client_id,
        client_secret=scene.robot.secret,
        issuer=scene.issuer,
    )
    assert f" by {scene.robot.client_id} with " in use(scene, provider, "whoami")


def private_key_jwt(scene: Scene) -> None:
    key = ECKey.import_key(dict(scene.keyed.key))
    signed = machines.SignedJWTParameters(
        issuer=scene.keyed.client_id,
        subject=scene.keyed.client_id,
        signing_key=key.as_pem(private=True).decode(),
        signing_algorithm="ES256",
    )
    provider = machines.PrivateKeyJWTOAuthProvider(
        server_url=scene.server,
        storage=Kept(),
        client_id=scene.keyed.client_id,
        assertion_provider=signed.create_assertion_provider(),
        scope=READ,
        issuer=scene.issuer,
    )
    assert f" by {scene.keyed.client_id} with " in use(scene, provider, "whoami")


def registration(scene: Scene) -> None:
    """It is told the server's address and nothing else: it discovers the broker from a bare 401, and registers."""
    kept = Kept()
    said = use(scene, person(scene, kept), "whoami")
    assert kept.client and f" by {kept.client.client_id} with " in said


def cimd(scene: Scene) -> None:
    """The same, but its host has a document, and nobody registers anything."""
    kept, document = Kept(), scene.documented.client_id
    assert f" by {document} with " in use(scene, person(scene, kept, document), "whoami")


class Kept:
    """What the SDK asks its host to keep."""

    def __init__(self, app: App | None = None, scene: Scene | None = None) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None
        if app and scene:
            self.client = OAuthClientInformationFull(
                client_id=app.client_id,
                client_secret=app.secret or None,
                redirect_uris=[scene.callback],
                token_endpoint_auth_method="client_secret_basic" if app.secret else "none",
                issuer=scene.issuer,
            )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def person(scene: Scene, kept: Kept, document: str | None = None) -> OAuthClientProvider:
    """A provider whose browser is our person."""
    went: list[str] = []

    async def go(url: str) -> None:
        went.append(await asyncio.to_thread(scene.person, url))

    async def come_back() -> AuthorizationCodeResult:
        answer = parse_qs(urlsplit(went[-1]).query)
        return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0], iss=answer["iss"][0])

    metadata = OAuthClientMetadata(
        client_name="Agent", redirect_uris=[scene.callback], token_endpoint_auth_method="none"
    )
    return OAuthClientProvider(scene.server, metadata, kept, go, come_back, document)


def use(scene: Scene, auth: httpx2.Auth, tool: str, **arguments: str) -> str:
    """Call one tool, with whatever the SDK does around it; what it says."""

    async def send() -> str:
        async with (
            httpx2.AsyncClient(auth=auth, timeout=20, trust_env=False) as http,
            Client(streamable_http_client(scene.server, http_client=http)) as client,
        ):
            result = await client.call_tool(tool, arguments)
            return " ".join(getattr(one, "text", "") for one in result.content)

    return asyncio.run(send())
