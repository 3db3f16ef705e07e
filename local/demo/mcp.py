"""`dev.py mcp`: the demo, and beside it an MCP server that the broker protects; any MCP client can be pointed at it.

With `--try` an agent does it all by itself: the MCP Python SDK's client, given the server's address and nothing else.
"""

import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from cli.parser import CommandParser
from local.demo.demo import DEMO_LOG, DemoStack, start_demo
from local.demo.parts import SCOPES
from local.stack.ports import bind_near, port_of
from local.stack.shutdown import StopSignal
from local.terminal import Terminal

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


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; with `--try` until the agent is through."""
    parser = CommandParser(prog="dev.py mcp", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    parser.add_argument("--try", action="store_true", dest="tries", help="let an agent sign in and step up, then end")
    options = parser.parse_args(arguments)
    stop = StopSignal()
    DEMO_LOG.parent.mkdir(parents=True, exist_ok=True)
    with DEMO_LOG.open("w", buffering=1) as log:
        stack = start_mcp(log, free_ports=options.tries)
        if options.tries:
            return _try(stack)
        with stack.demo.broker.as_running("mcp"):
            if options.json:
                stop.announce({"server": stack.url, **stack.demo.places()}, as_json=True)
            else:
                _print_table(stack)
            stop.wait()
        stack.stop()
    return 0


def start_mcp(
    log: IO[str],
    *,
    free_ports: bool = False,
    reachable: tuple["LocalTarget", ...] = (),
    settings: Mapping[str, str] | None = None,
) -> McpStack:
    """Start the demo with the server registered as an API that everybody's apps may ask tokens for.

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
    """`broker resource create`, and `broker client create --serves` for who asks about its tokens."""
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


def _try(stack: McpStack) -> int:
    from local.demo.mcp_agent import walk

    try:
        return walk(stack, Terminal(sys.stdout))
    finally:
        stack.stop()


def _print_table(stack: McpStack) -> None:
    terminal = Terminal(sys.stdout)
    for line in stack.demo.moved:
        terminal.note(line)
    terminal.heading("An MCP server behind Token Broker")
    terminal.table(
        [
            ("MCP server", stack.url, "give this address to any MCP client: the rest it finds out by itself"),
            ("Broker", stack.demo.broker.issuer, "signs your user in at a played third party (alice or bob)"),
            ("Log", str(DEMO_LOG), ""),
        ]
    )
    terminal.text("read_notes and whoami need notes:read; add_note asks your user for notes:write.")
    terminal.text("Another terminal: python3 dev.py broker client list, and broker client disable ID, stop an agent.")
    terminal.text("Ctrl-C ends it, and only the log is kept.")


if __name__ == "__main__":
    raise SystemExit(main())
