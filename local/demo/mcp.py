"""`dev.py mcp`: the demo, and beside it an MCP server that the broker protects; any MCP client can be pointed at it.

With `--try` an agent does everything: the MCP Python SDK's client, given the server's address and nothing else.
"""

import sys

from cli.parser import CommandParser
from local.demo.demo import DEMO_LOG
from local.demo.mcp_stack import McpStack, start_mcp
from local.stack.shutdown import StopSignal
from local.terminal import Terminal


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
            ("MCP server", stack.url, "give this address to any MCP client; it discovers the rest"),
            ("Broker", stack.demo.broker.issuer, "signs your user in at a simulated provider (alice or bob)"),
            ("Log", str(DEMO_LOG), ""),
        ]
    )
    terminal.text("read_notes and whoami need notes:read; add_note asks your user for notes:write.")
    terminal.text("Another terminal: python3 dev.py broker client list, and broker client disable ID, stop an agent.")
    terminal.text("Ctrl-C ends it; only the log remains.")


if __name__ == "__main__":
    raise SystemExit(main())
