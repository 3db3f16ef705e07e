"""The command `token-broker` of an installed package: local commands, and every command of `broker`.

It runs in an environment that pip has made, so nothing is installed here.
"""

import sys

from cli.invocation import NAME, RUN
from local import command_errors
from local.commands import COMMANDS as DEV_COMMANDS

# name: (module with `main(arguments) -> exit code` and `build_parser()`, what it does)
COMMANDS = {name: DEV_COMMANDS[name] for name in RUN}
COMMANDS["completion"] = ("local.completion.command", "print the completion of this command for bash, fish or zsh")

OVERVIEW = """usage: {name} COMMAND [--help]

On this machine, without an account:

{run}

The operator's commands, for your AWS account or for the broker that runs here:

{operate}

  {name} help COMMAND, {name} --version
"""


def main(arguments: list[str]) -> int:
    """The exit code of one command."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    name = arguments[0] if arguments else "--help"
    if name in COMMANDS:
        return command_errors.run(f"{NAME} {name}", COMMANDS[name][0], arguments[1:])
    return command_errors.run(NAME, "local.installed:operate", arguments)


def operate(arguments: list[str]) -> int:
    """One command of the operator, the list of all commands, or a suggestion."""
    from cli.main import build_parser
    from cli.main import main as run
    from cli.nearest import nearest
    from cli.parser import helps_of

    groups = helps_of(build_parser())
    if not arguments or arguments[0] in ("-h", "--help"):
        run_here = {name: said for name, (_, said) in COMMANDS.items()}
        print(OVERVIEW.format(name=NAME, run=_table(run_here), operate=_table(groups)))
        return 0
    name = arguments[0]
    if name.startswith("-") or name in groups:
        return run(arguments)
    near = nearest(name, [*groups, *COMMANDS])
    hint = f"did you mean '{near}'?" if near else f"'{NAME} --help' lists the commands."
    print(f"{NAME}: no command '{name}'; {hint}", file=sys.stderr)
    return 2


def _table(rows: dict[str, str]) -> str:
    return "\n".join(f"  {name:<19} {said}" for name, said in rows.items())
