"""`dev.py demo`: embedded AWS, broker, two providers and the demo app in one process, to click through in a browser."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from cli.deployment.running_stack import FOLDER, process_exists
from cli.parser import CommandParser
from local.demo.app import start_app
from local.demo.backend import bind_broker, issuer_of, start_behind
from local.demo.chosen import Chosen, add_options, choose
from local.demo.demo_stack import DemoStack
from local.demo.parts import BROKER, LIVE, PARTS, note_move
from local.demo.real import introduce_real
from local.demo.simulated import NotSimulated
from local.live.recorder import Recorder
from local.live.taps import Taps
from local.stack.journal.journal import StateDamaged
from local.stack.ports import start_near
from local.stack.shutdown import StopSignal
from local.terminal import Terminal

if TYPE_CHECKING:
    from chalicelib.adapters.http.guarded_fetcher import LocalTarget

DEMO_LOG = FOLDER.parent / f"demo-{os.getpid()}.log"  # of its own, so that a second demo leaves the first one's


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until Ctrl-C or SIGTERM."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    from cli.deployment.operations import OperationError

    try:
        chosen = choose(options)
    except (NotSimulated, StateDamaged) as fault:
        parser.error(str(fault))
    stop = StopSignal()
    _make_room_for_log()
    with DEMO_LOG.open("w", buffering=1) as log:
        try:
            stack = start_demo(log, live=True, chosen=chosen)
        except NotSimulated as fault:
            parser.error(str(fault))
        except OperationError as fault:
            parser.error(f"the stored state does not fit this version: {fault}; --fresh starts empty")
        chosen.remember()
        if chosen.state is None:
            stack.moved.append("another demo has the stored state: this one starts empty and stores nothing")
        with stack.broker.as_running("demo", log=(DEMO_LOG,)):
            if options.json:
                stop.announce(stack.places(), as_json=True)
            else:
                _print_table(stack)
            stop.wait()
        if stack.live:
            stack.live.stop()
        stack.broker.stop()
    return 0


def build_parser() -> CommandParser:
    """The options."""
    ports = f"Its ports are {BROKER[1]} to {LIVE[1]}; where one is taken it uses another, and the table says which."
    parser = CommandParser(prog="dev.py demo", description=__doc__, epilog=ports)
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    add_options(parser)
    return parser


def start_demo(
    log: IO[str],
    *,
    free_ports: bool = False,
    settings: Mapping[str, str] | None = None,
    reachable: tuple["LocalTarget", ...] = (),
    live: bool = False,
    chosen: Chosen | None = None,
) -> DemoStack:
    """Start all parts; a taken port is worked round. Raises NotSimulated.

    free_ports   take any free ports, as a second stack beside a running demo does
    settings     laid over those of the demo
    reachable    further places on this machine that the broker may call
    live         serve the live view of it, too
    chosen       provider files to simulate or to call, where the app signs in, and the stored state
    """
    chosen, moved = chosen or Chosen(None, ()), list[str]()
    listener = chosen.listener or bind_broker(moved, free_ports)
    taps = Taps(Recorder(), issuer_of(listener)) if live else None
    behind = start_behind(
        log,
        listener=listener,
        moved=moved,
        free_ports=free_ports,
        settings=settings,
        reachable=reachable,
        watch=taps,
        simulated=chosen.simulated,
        state=chosen.state,
    )
    for part in chosen.real:
        if part.provider_id in chosen.registrations:
            introduce_real(behind.broker, part, chosen.registrations[part.provider_id])
    app, client_id = start_app(behind, (*chosen.simulated, *chosen.real), moved, free_ports=free_ports)
    stack = DemoStack(
        behind.broker, behind.providers, behind.simulated, behind.parts, app=app, client_id=client_id, moved=moved
    )
    stack.real = chosen.real
    if taps:
        from local.demo.live_view.server import start

        stack.live = start_near(0 if free_ports else LIVE[1], lambda candidate: start(candidate, LIVE[0], stack, taps))
        app.config["live"] = behind.broker.machine.live = stack.live.url
        note_move(moved, "the live view", LIVE[1], urlsplit(stack.live.url).port or 0, free_ports)
    return stack


def _print_table(stack: DemoStack) -> None:
    terminal = Terminal(sys.stdout)
    for line in stack.moved:
        terminal.note(line)
    issuer = stack.broker.issuer
    terminal.heading("Token Broker demo")
    terminal.table(
        [
            ("Demo app", stack.app.url, "start here: sign in, connect both providers, read data, revoke access"),
            *([("Live view", stack.live.url, "every request and response as it is made")] if stack.live else []),
            ("Broker", issuer, "the authorization server; its metadata is under /.well-known/openid-configuration"),
            *(
                (
                    part.site.name,
                    stack.providers[part.provider_id].url,
                    "simulated provider; its users are alice and bob",
                )
                for part in PARTS
            ),
            *(
                (
                    player.definition.display_name,
                    player.url,
                    "simulated from its provider file; users are alice and bob",
                )
                for player in stack.simulated.values()
            ),
            *(
                (part.name, f"{issuer}/callback/{part.provider_id}", "the real provider: its callback URL")
                for part in stack.real
            ),
            ("Embedded AWS", stack.broker.endpoint_url or "", "simulated DynamoDB and KMS"),
            ("Log", _short(DEMO_LOG), ""),
        ]
    )
    terminal.text("Any OAuth client may register itself here. Another terminal: python3 dev.py broker client list")
    terminal.text("Ctrl-C ends it. The next start has the same clients and connections; --fresh starts empty.")


def _make_room_for_log() -> None:
    """Remove the logs of demos that have ended, except the newest one."""
    DEMO_LOG.parent.mkdir(parents=True, exist_ok=True)
    ended = [path for path in DEMO_LOG.parent.glob("demo-*.log") if not process_exists(int(path.stem[5:]))]
    for path in sorted(ended, key=lambda path: path.stat().st_mtime)[:-1]:
        path.unlink(missing_ok=True)


def _short(path: Path) -> str:
    """As seen from where the command runs."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    raise SystemExit(main())
