"""`dev.py testing`: a broker with simulated providers for the tests of an app, in any language (docs/your-tests.md).

Everything is on free ports of this machine and in memory. A command behind `--` is run with the addresses in its
environment, and ends it.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.invocation import name_program
from cli.parser import CommandParser, setting
from local.demo.backend import Behind, start_behind
from local.demo.parts import PARTS
from local.demo.simulated import NotSimulated, describe_simulated, find_simulated
from local.stack.shutdown import StopSignal
from local.testing.control import Control, register


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C, SIGTERM or the end of the command, whose exit code is given on."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        simulated = find_simulated(options.provider)
    except NotSimulated as fault:
        parser.error(str(fault))
    stop = StopSignal()
    with Path(options.log).open("w", buffering=1) as log:
        settings = dict(options.settings)
        behind = start_behind(log, settings=settings, simulated=simulated)
        control = Control(behind)
        try:
            return serve(options, stop, describe(behind, control.url), behind)
        finally:
            control.stop()
            behind.stop()


def build_parser() -> CommandParser:
    """The options, and behind `--` a command."""
    parser = CommandParser(prog="dev.py testing", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    parser.add_argument(
        "--log", metavar="FILE", default=os.devnull, help="where the broker logs; 'broker explain' reads it"
    )
    parser.add_argument(
        "--set", type=setting, metavar="KEY=VALUE", action="append", default=[], dest="settings", help="as for serve"
    )
    parser.add_argument(
        "--redirect-uri", metavar="URI", action="append", default=[], help="register a public client too"
    )
    simulate = "simulate this shipped provider file (github, google, ...) too; may be repeated"
    parser.add_argument("--provider", metavar="NAME", action="append", default=[], help=simulate)
    parser.add_argument("command", nargs="*", help="after --: what to run with TOKEN_BROKER_... in its environment")
    return parser


def serve(options: argparse.Namespace, stop: StopSignal, places: dict[str, Any], behind: Behind) -> int:
    """Run the command or, where there is none, wait for the end."""
    if options.redirect_uri:
        places["client_id"] = register(behind, {"redirect_uris": options.redirect_uri})["client_id"]
    if options.command:
        try:
            return subprocess.run(options.command, env={**os.environ, **variables(places)}, check=False).returncode
        except (OSError, ValueError) as error:
            print(f"{name_program('dev.py testing')}: cannot run {options.command[0]!r}: {error}", file=sys.stderr)
            return 127
    stop.announce(places, as_json=options.json)
    stop.wait()
    return 0


def describe(behind: Behind, control: str) -> dict[str, Any]:
    """The addresses, for programs."""
    providers = {
        part.provider_id: {
            "url": behind.providers[part.provider_id].url,
            "api": f"{behind.providers[part.provider_id].url}/api/{part.site.things}",
        }
        for part in PARTS
    }
    for part in behind.parts:
        player = behind.simulated[part.provider_id]
        told = describe_simulated(part, player)
        providers[part.provider_id] = {"url": player.url, "api": f"{told['api']}/{told['things']}"}
    return {"issuer": behind.broker.issuer, "control": control, "providers": providers}


def variables(places: Mapping[str, Any]) -> dict[str, str]:
    """The same for an environment: TOKEN_BROKER_ISSUER, _CONTROL, _CLIENT_ID, and of providers _DEMO, _CALENDAR."""
    single = {name: value for name, value in places.items() if name != "providers"}
    providers = {name.replace("-", "_"): each["url"] for name, each in places["providers"].items()}
    return {f"TOKEN_BROKER_{name.upper()}": value for name, value in {**single, **providers}.items()}


if __name__ == "__main__":
    raise SystemExit(main())
