"""`token-broker completion SHELL`: print the script by which a shell completes the command."""

import sys

from cli.invocation import NAME
from cli.parser import CommandParser
from local.completion.scripts import write_bash, write_fish, write_zsh
from local.completion.words import read_levels

SHELLS = {"bash": write_bash, "fish": write_fish, "zsh": write_zsh}
INSTALL = {
    "bash": (f'eval "$({NAME} completion bash)"', "~/.bashrc"),
    "fish": (f"{NAME} completion fish | source", "~/.config/fish/config.fish"),
    "zsh": (f'eval "$({NAME} completion zsh)"', "~/.zshrc, below compinit"),
}


def main(arguments: list[str] | None = None) -> int:
    """Print the script and, on a terminal, how to use it."""
    shell = build_parser().parse_args(arguments).shell
    print(SHELLS[shell](read_levels()), end="")
    if sys.stdout.isatty():
        line, file = INSTALL[shell]
        print(f"next: add this line to {file}\n  {line}", file=sys.stderr)
    return 0


def build_parser() -> CommandParser:
    """The shell."""
    parser = CommandParser(prog=f"{NAME} completion", description="Print the script that completes this command.")
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of: {', '.join(SHELLS)}")
    return parser
