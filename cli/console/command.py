"""broker console: prints a link that works once, and serves the pages until Ctrl-C."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from cli.console.access import new_session
from cli.console.command_runner import CommandRunner
from cli.console.console import Console
from cli.console.server import ConsoleServer
from cli.console.views import FORMS, PAGES
from cli.deployment.lookup import find_deployment
from cli.deployment.operations import Deployment, OperationError

HELP = "operate the broker in your browser: a local page with your own AWS credentials"
Parsers = Callable[[], argparse.ArgumentParser]


def add_parser(groups: Any, common: argparse.ArgumentParser, build_parser: Parsers) -> None:
    """The arguments of `broker console`. build_parser: of all commands, which the pages run."""
    parser = groups.add_parser("console", parents=[common], help=HELP)
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--log", metavar="FILE", help="read refusals from this log file")
    parser.add_argument("--log-group", metavar="NAME", help="log group of the API function, if there are several")
    parser.set_defaults(alone=lambda options: run(options, build_parser))


def run(options: argparse.Namespace, build_parser: Parsers) -> int:
    """Serve until Ctrl-C; returns 0. Raises OperationError."""
    server = start_console(find_deployment(options), build_parser, options)
    print(_announce(server.console.session.link, as_json=options.json), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def _announce(link: str, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"link": link})
    return f"console: {link}\nThe link works once, in one browser. Ctrl-C ends the console."


def start_console(deployment: Deployment, build_parser: Parsers, options: argparse.Namespace) -> ConsoleServer:
    """A console that listens and does not serve yet. Raises OperationError: the port is taken."""
    given = {"--log": options.log, "--log-group": options.log_group}
    logs = [f"{name}={value}" for name, value in given.items() if value]
    stack = [f"--stack={options.stack}"] if options.stack else []
    try:
        server = ConsoleServer(options.port)
    except (OSError, OverflowError) as error:
        raise OperationError(f"port {options.port} cannot be used ({error})", "omit --port for a free one") from None
    runner = CommandRunner(deployment, build_parser, stack=stack, logs=logs)
    server.console = Console(new_session(server.host), runner, pages=PAGES, forms=FORMS)
    return server
