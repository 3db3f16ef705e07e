"""The MCP Python SDK: given the address of a server and nothing else, it finds out the rest from the 401."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx2
import mcp.client.auth
import mcp.client.auth.extensions.client_credentials as machines
from joserfc.jwk import ECKey
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.clients.scene import TOOLS, App, Scene

API = (mcp.client.auth, OAuthClientProvider, OAuthClientMetadata, machines)


def code(scene: Scene) -> None:
    kept = Kept(scene.agent, scene)
    answer = call(scene.server, person(scene, kept))
    assert (answer.status_code, answer.text) == (200, f"hello {scene.agent.client_id}")
    assert kept.tokens and TOOLS in (kept.tokens.scope or "").split()


def refresh(scene: Scene) -> None:
    kept = Kept(scene.agent, scene)
    first = person(scene, kept)
    assert call(scene.server, first).status_code == 200
    held = kept.tokens
    first.context.token_expiry_time = 1.0  # as if its time were over
    assert call(scene.server, first).status_code == 200
    assert (
        held
        and kept.tokens
        and kept.tokens.access_token != held.access_token
        and kept.tokens.refresh_token != held.refresh_token
    )


def client_credentials(scene: Scene) -> None:
    provider = machines.ClientCredentialsOAuthProvider(
        server_url=scene.server,
        storage=Kept(),
        client_id=scene.robot.client_id,
        client_secret=scene.robot.secret,
        issuer=scene.issuer,
    )
    assert call(scene.server, provider).text == f"hello {scene.robot.client_id}"


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
        scope=TOOLS,
        issuer=scene.issuer,
    )
    assert call(scene.server, provider).text == f"hello {scene.keyed.client_id}"


def registration(scene: Scene) -> None:
    """At the broker's own userinfo endpoint: what registers itself may ask for no other audience."""
    kept = Kept()
    endpoint = scene.metadata["userinfo_endpoint"]
    answer = call(endpoint, person(scene, kept, endpoint))
    assert answer.status_code == 200 and answer.json()["sub"]
    assert kept.client and kept.client.client_id != scene.agent.client_id


def cimd(scene: Scene) -> None:
    """At the same place: the host says where its document is, and registers nowhere."""
    kept, endpoint = Kept(), scene.metadata["userinfo_endpoint"]
    answer = call(endpoint, person(scene, kept, endpoint, scene.documented.client_id))
    assert answer.status_code == 200 and kept.client and kept.client.client_id == scene.documented.client_id


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


def person(scene: Scene, kept: Kept, server: str = "", document: str | None = None) -> OAuthClientProvider:
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
    return OAuthClientProvider(server or scene.server, metadata, kept, go, come_back, document)


def call(url: str, auth: httpx2.Auth) -> httpx2.Response:
    """One GET, with whatever the SDK does around it."""

    async def send() -> httpx2.Response:
        async with httpx2.AsyncClient(auth=auth, timeout=20, trust_env=False) as client:
            return await client.get(url)

    return asyncio.run(send())
