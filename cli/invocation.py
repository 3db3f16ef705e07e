"""How commands are typed here: `python3 dev.py broker client list` in a checkout, `token-broker client list` where the
package is installed.
"""

import os
import re
from pathlib import Path

NAME = "token-broker"
# setup.py installs the broker's packages as token_broker_testing/_broker.
INSTALLED = Path(__file__).resolve().parents[1].name == "_broker"
# Before an error message.
PROGRAM = NAME if INSTALLED else "broker"

# Commands of the operator, and of dev.py those that the installed command has too.
OPERATOR = (
    *("apply", "audit", "bootstrap", "client", "config", "connection", "console", "doctor", "explain", "init"),
    *("issuer", "jobs", "keys", "kill", "provider", "registration-token", "resource", "restore", "stacks", "tail"),
    *("user", "vault"),
)
RUN = ("aws", "demo", "device", "recipe", "serve", "testing", "tour")

# `broker client` is a command, "the broker keys its items" is prose.
_COMMAND = re.compile(
    r"(?<![\w./-])(?:python3 )?dev\.py (?P<run>[a-z][a-z-]*)"
    r"|(?<![\w./-])(?<!dev\.py )(?<!the )(?<!a )broker (?P<operate>[a-z][a-z-]*)"
)


def as_typed(text: str, *, installed: bool = INSTALLED) -> str:
    """The same text with each command as it is typed here. A command that only a checkout has stays as it is."""

    def write(found: re.Match[str]) -> str:
        run, operate = found["run"], found["operate"]
        if operate:
            program = NAME if installed else "python3 dev.py broker"
            return f"{program} {operate}" if operate in OPERATOR else found[0]
        if not installed:
            return f"python3 dev.py {run}"
        return NAME if run == "broker" else f"{NAME} {run}" if run in RUN else found[0]

    return _COMMAND.sub(write, text)


def name_program(prog: str, *, installed: bool = INSTALLED) -> str:
    """The program of a usage line: "dev.py broker client", or "token-broker client" where it is installed."""
    return as_typed(prog, installed=True) if installed else prog


def state_folder() -> Path:
    """Where local commands store their state: `.state` of the checkout, else a folder by the XDG base directories.

    The environment variable TOKEN_BROKER_STATE names another one, for a checkout that may not be written.
    """
    if named := os.environ.get("TOKEN_BROKER_STATE"):
        return Path(named)
    if INSTALLED:
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", NAME)
    return Path(__file__).resolve().parents[1] / ".state"
