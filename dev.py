#!/usr/bin/env python3
"""Every command of the repository: `python3 dev.py` lists them.

Rules kept here: the standard library only, and syntax that an old Python can read, until the environment `.venv` is
made. local/virtual_environment.py makes it from a hash lock: requirements-local.txt to run, requirements-dev.txt for
the commands that test and measure. The command then runs in it.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path

from local import command_errors
from local.commands import COMMANDS, DEVELOPMENT, overview
from local.interpreters import Unprepared
from local.virtual_environment import ENVIRONMENT, choose_lock, make_environment

ROOT = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["help"] and len(arguments) > 1:
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"Token Broker {version()}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else "'python3 dev.py' lists the commands."
        print(f"dev.py: no command '{name}'; {hint}", file=sys.stderr)
        return 2
    try:
        python = make_environment(ENVIRONMENT, choose_lock(name in DEVELOPMENT))
    except Unprepared as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"dev.py: {command_errors.describe_file(error)}", file=sys.stderr)
        return 1
    if Path(sys.prefix).resolve() != ENVIRONMENT:
        sys.stdout.flush()
        os.execv(python, [str(python), str(ROOT / "dev.py"), *arguments])
    sys.argv = [f"dev.py {name}", *rest]
    return command_errors.run(f"dev.py {name}", COMMANDS[name][0], rest)


def version() -> str:
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
