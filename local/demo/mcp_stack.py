"""The demo with an MCP server beside it that the broker protects."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.parts import SCOPES
from local.stack.ports import bind_near, port_of

if TYPE_CHECKING:
    import uvicorn

    from chalicelib.adapters.http.guarded_fetcher import LocalTarget

PORT = 8084


@dataclass
class McpStack:
    """The demo and an MCP server.

    url         the server's address, which is its name at the broker too
    client_id   of the confidential client as which it asks about tokens
    """

    demo: DemoStack
    url: str
    client_id: str
    server: "uvicorn.Server"

    def stop(self) -> None:
        """Stop everything."""
        self.server.should_exit = True
        self.demo.stop()


def start_mcp(
    log: IO[str],
    *,
    free_ports: bool = False,
    reachable: tuple["LocalTarget", ...] = (),
    settings: Mapping[str, str] | None = None,
) -> McpStack:
    """Start the demo, and register the server as an API for which any registered app may request tokens.

    reachable   further places on this machine where agents' documents are
    """
    from demo.mcp.guard import Guard
    from demo.mcp.notes import PATH, READ, WRITE, build_app

    listener = bind_near("127.0.0.1", 0 if free_ports else PORT)
    url = f"http://127.0.0.1:{port_of(listener)}{PATH}"
    open_to_all = {
        "open_registration_scopes": " ".join(sorted({*SCOPES, READ, WRITE})),
        "open_registration_resources": url,
    }
    demo = start_demo(log, free_ports=free_ports, settings={**open_to_all, **(settings or {})}, reachable=reachable)
    client_id, secret = _register(demo, url, frozenset({READ, WRITE}))
    guard = Guard(resource=url, issuer=demo.broker.issuer, scopes=(READ,), introspect_as=(client_id, secret))
    return McpStack(demo, url, client_id, _serve(build_app(guard), listener))


def _register(demo: DemoStack, url: str, scopes: frozenset[str]) -> tuple[str, str]:
    """`broker resource create`, and `broker client create --serves` for the server that introspects its tokens."""
    from chalicelib.records.client import Client
    from chalicelib.records.resource import Resource
    from cli.deployment.operations import create_client, create_resource

    create_resource(demo.broker.deployment, Resource(audience=url, scopes=scopes))
    asks = Client(
        client_id="",
        client_name="Notes MCP server",
        redirect_uris=(),
        token_endpoint_auth_method="client_secret_basic",
        serves=frozenset({url}),
    )
    client, secret = create_client(demo.broker.deployment, asks)
    return client.client_id, secret or ""


def _serve(app: object, listener: socket.socket) -> "uvicorn.Server":
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", lifespan="on")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return server
