"""Authorization servers that others wrote, as their makers' examples set them up: each yields its issuer, a client and
that client's redirect URI ("" where the server has none)."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.session import get_session

from local.node import install_packages
from local.stack.aws import start_aws

CLIENT, REDIRECT_URI = "app", "https://app.example/callback"
Place = tuple[str, str, str]


@contextmanager
def oidc_provider_mock() -> Iterator[Place]:
    """oidc-provider-mock: knows any client, whatever it is called."""
    import oidc_provider_mock as mock

    with mock.run_server_in_thread(user_claims=[mock.User(sub="carol")]) as server:
        yield f"http://localhost:{server.server_port}", CLIENT, REDIRECT_URI


@contextmanager
def moto_cognito() -> Iterator[Place]:
    """moto's user pool: documents, and nothing behind them."""
    aws = start_aws()
    pool = get_session().create_client("cognito-idp", endpoint_url=aws.endpoint_url).create_user_pool(PoolName="doctor")
    yield f"{aws.endpoint_url}/{pool['UserPool']['Id']}", "", ""
    aws.stop()


class _McpProvider:
    """What the MCP SDK leaves to whoever uses it: one client, and a code for everybody."""

    async def get_client(self, client_id: str) -> Any:
        from mcp.shared.auth import OAuthClientInformationFull

        known = OAuthClientInformationFull.model_validate(
            {"client_id": CLIENT, "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none"}
        )
        return known if client_id == CLIENT else None

    async def authorize(self, client: Any, params: Any) -> str:
        from mcp.server.auth.provider import construct_redirect_uri

        return construct_redirect_uri(str(params.redirect_uri), code="a-code", state=params.state)


@contextmanager
def mcp_sdk() -> Iterator[Place]:
    """The MCP SDK's authorization server."""
    import uvicorn
    from mcp.server.auth.routes import create_auth_routes
    from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
    from pydantic import AnyHttpUrl
    from starlette.applications import Starlette

    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        routes = create_auth_routes(
            _McpProvider(),  # type: ignore[arg-type]
            AnyHttpUrl(issuer),
            client_registration_options=ClientRegistrationOptions(enabled=True),
            revocation_options=RevocationOptions(enabled=True),
        )
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield issuer, CLIENT, REDIRECT_URI
        server.should_exit = True
        thread.join(10)


@contextmanager
def authlib() -> Iterator[Place]:
    """A small server of Authlib's parts: PKCE for everybody, `iss` in its answers."""
    from werkzeug.serving import make_server

    from tests.cli.doctor.authlib_server import build_app

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        issuer = f"http://127.0.0.1:{port}"
        server = make_server("127.0.0.1", port, build_app(issuer), threaded=True, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield issuer, CLIENT, REDIRECT_URI
        server.shutdown()
        thread.join(5)


@contextmanager
def node_oidc_provider() -> Iterator[Place]:
    """node-oidc-provider with its own defaults, in a process of its own. Raises NoNode."""
    script = Path(__file__).with_name("oidc_provider.mjs")
    command = ["node", str(script), str(install_packages()), CLIENT, REDIRECT_URI]
    quiet = {**os.environ, "NODE_OPTIONS": "", "NO_PROXY": "*"}
    with subprocess.Popen(
        command, env=quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None and server.stdin is not None
        yield server.stdout.readline().strip(), CLIENT, REDIRECT_URI
        server.stdin.close()


SERVERS = {
    "oidc-provider-mock": oidc_provider_mock,
    "moto-cognito": moto_cognito,
    "mcp-sdk": mcp_sdk,
    "authlib": authlib,
    "node-oidc-provider": node_oidc_provider,
}
