"""The command `token-broker` of an installed package: demo, serve, testing, and every command of `broker`.

It runs in an environment that pip has made, so the packages of `dev.py` for development are not needed here.
"""

import os
import sys
from pathlib import Path

COMMANDS = {
    "demo": "local.demo.demo",
    "serve": "local.serve",
    "testing": "local.testing.command",
}
OVERVIEW = """usage: token-broker COMMAND [--help]

  demo      a complete sign-in to click through in a browser
  serve     only the broker, for development with your own apps
  testing   broker and providers for the tests of your app, any language

The operator's commands, with your own AWS credentials or on the broker that runs here:

  {groups}

  --version  print the release
"""


def main(arguments: list[str]) -> int:
    """The exit code of one command."""
    # The state of an installed command belongs to its user, not to the folder of the packages.
    os.environ.setdefault("TOKEN_BROKER_STATE", str(state_folder()))
    os.environ["TOKEN_BROKER_COMMAND"] = "token-broker"
    from cli.main import build_parser
    from cli.nearest import nearest
    from cli.parser import commands_of
    from local import command_errors

    groups = commands_of(build_parser())
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(OVERVIEW.format(groups=" ".join(sorted(groups))), end="")
        return 0
    name = arguments[0]
    if name in COMMANDS:
        return command_errors.run(f"token-broker {name}", COMMANDS[name], arguments[1:])
    if not name.startswith("-") and name not in groups:
        near = nearest(name, [*groups, *COMMANDS])
        hint = f"did you mean '{near}'?" if near else "'token-broker --help' lists the commands."
        print(f"token-broker: no command '{name}'; {hint}", file=sys.stderr)
        return 2
    return command_errors.run("token-broker", "cli.main", arguments)


def state_folder() -> Path:
    """Where a program keeps its state by the XDG base directories."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "token-broker")
