"""Questions that an operator must answer with yes before a command changes anything.

A parser names its question as `question=`: a function of the deployment and the options that returns a sentence,
or None if this command asks nothing. It reads and never writes.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from cli.deployment.operations import Deployment, OperationError

YES = "yes"
Question = Callable[[Deployment, argparse.Namespace], str | None]


def find_question(deployment: Deployment, options: argparse.Namespace) -> str | None:
    """The sentence to confirm; None if the command asks nothing, or has --yes. Raises what reading raises."""
    question: Question | None = getattr(options, "question", None)
    return None if question is None or getattr(options, "yes", False) else question(deployment, options)


def confirm(question: str) -> None:
    """Ask at the terminal. Raises OperationError if the operator does not confirm."""
    print(f"{question} Type yes to go on:  ", end="", file=sys.stderr, flush=True)
    check_answer(sys.stdin.readline())


def check_answer(typed: str) -> None:
    """Raises OperationError if the answer is not yes."""
    if typed.strip() != YES:
        raise OperationError("nothing was changed", "type yes, or add --yes")


def add_question(parser: Any, question: Question, help_text: str = "do not ask for confirmation") -> None:
    """A question, and the option that answers it in advance."""
    parser.add_argument("--yes", action="store_true", help=help_text)
    parser.set_defaults(question=question)
