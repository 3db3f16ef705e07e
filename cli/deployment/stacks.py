"""Stacks that run here: the default one, `--stack`, and `broker stacks`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cli.deployment.operations import OperationError
from cli.deployment.running_stack import RunningStack, list_running
from cli.nearest import nearest
from cli.output import date, show

LIST = "broker stacks"
HELP = "which running stack: its kind, port, process or issuer, as listed by `broker stacks`"


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The arguments of `broker stacks`."""
    parser = groups.add_parser("stacks", parents=[common], help="list the stacks that run here")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Print every running stack; returns 0. Raises OperationError if the --stack does not run."""
    running = list_running()
    chosen = choose(running, options.stack)
    rows = [
        {
            "chosen": stack is chosen,
            "kind": stack.kind,
            "issuer": stack.issuer,
            "endpoint_url": stack.endpoint_url,
            "pid": stack.pid,
            "started_at": date(int(stack.started_at)),
        }
        for stack in running
    ]
    show(rows, as_json=options.json)
    return 0


def choose(running: Sequence[RunningStack], name: str | None) -> RunningStack | None:
    """The stack of that name, or the first; None if none runs. Raises OperationError."""
    if name is None:
        return running[0] if running else None
    named = [stack for stack in running if name in names_of(stack)]
    if len(named) == 1:
        return named[0]
    if named:
        raise OperationError(
            f"several stacks have the name {name}", f"--stack {' or --stack '.join(map(_port, named))}"
        )
    near = nearest(name, [known for stack in running for known in names_of(stack)])
    raise OperationError(f"no stack {name} runs here", f"--stack {near}" if near else LIST)


def names_of(stack: RunningStack) -> list[str]:
    """The values of --stack that name this stack."""
    return [stack.kind, _port(stack), str(stack.pid), stack.issuer or ""]


def announce(stack: RunningStack, running: Sequence[RunningStack]) -> None:
    """Print on standard error which stack the command uses, and how to choose another one."""
    others = [other for other in running if other is not stack]
    alone = [other.kind for other in running].count(others[0].kind) == 1 if others else True
    other = f"; --stack {others[0].kind if alone else _port(others[0])}" if others else ""
    count = f" ({running.index(stack) + 1} of {len(running)}{other})" if others else ""
    print(f"stack: {stack.kind} {stack.issuer or stack.endpoint_url}{count}", file=sys.stderr)


def _port(stack: RunningStack) -> str:
    return str(urlsplit(stack.issuer or stack.endpoint_url or "").port or stack.pid)
