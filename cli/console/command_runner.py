"""Runs commands of the CLI in this process, exactly as they are typed, and keeps their result or failure."""

import argparse
import io
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any

from msgspec import Struct

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.ports import StoreUnavailable
from cli.command_audit import CHANGES_NOTHING, run_on_record
from cli.command_failure import describe_failure
from cli.confirmation import find_question
from cli.deployment.operations import Deployment, OperationError
from cli.invocation import as_typed
from cli.output import Lines, Listing, Partly, Report

FAILURES = (OperationError, StoreUnavailable, AwsRefusal)
Row = Mapping[str, Any]


class Outcome(Struct, frozen=True, kw_only=True):
    """What a command returned.

    command   as it is typed at a terminal
    row       of a command that returns one thing
    rows      of a command that returns a list
    said      its closing sentence
    partly    some of it failed; `said` tells what is left to do
    failed    it failed: message, hint, details
    """

    command: str
    row: Row = {}
    rows: Sequence[Row] = ()
    said: str = ""
    partly: bool = False
    failed: OperationError | None = None


class CommandRunner:
    """One deployment, and the commands that act on it.

    stack    options that name the deployment, for commands that find it for themselves
    logs     options that name its log, for commands that read it
    """

    def __init__(
        self,
        deployment: Deployment,
        build_parser: Callable[[], argparse.ArgumentParser],
        *,
        stack: Sequence[str] = (),
        logs: Sequence[str] = (),
    ) -> None:
        self.deployment = deployment
        self._parser = build_parser()
        self._stack, self._logs = tuple(stack), tuple(logs)
        self._one_at_a_time = threading.Lock()

    def read(self, *words: str) -> Outcome:
        """Run a command that changes nothing. Raises ValueError for any other command."""

        def act() -> Any:
            options = self.parse(*words)
            if options.command not in CHANGES_NOTHING:
                raise ValueError(f"{options.command} changes the deployment")
            return options.act(self.deployment, options)

        return self._run(words, act)

    def ask(self, *words: str) -> str | None:
        """The question of a command; None if it asks nothing. Raises what the command raises while it reads."""
        return find_question(self.deployment, self.parse(*words))

    def do(self, *words: str) -> Outcome:
        """Run a command that changes something: on record, one at a time. The operator has answered its question."""

        def act() -> Any:
            options = self.parse(*words)
            options.yes = True
            with self._one_at_a_time:
                return run_on_record(self.deployment, options)

        return self._run(words, act)

    def look(self, read: Callable[[argparse.Namespace], Any], *words: str) -> Outcome:
        """Run a command that prints for itself (explain, tail, doctor) by the function that finds what it prints."""
        given = (*self._stack, *(self._logs if words[0] in ("explain", "tail") else ()))
        return self._run(words, lambda: read(self.parse(*_insert(words, *given))))

    def parse(self, *words: str) -> argparse.Namespace:
        """Raises OperationError with the sentence that the terminal would show."""
        said = io.StringIO()
        with self._one_at_a_time, redirect_stderr(said):
            try:
                return self._parser.parse_args(_insert(words, "--json"))
            except SystemExit:
                message = said.getvalue().partition("error: ")[2].partition("\n")[0]
                raise OperationError(message or "this command has wrong arguments", "check what you typed") from None

    def _run(self, words: Sequence[str], act: Callable[[], Any]) -> Outcome:
        command = type_command(words)
        try:
            return _wrap(command, act())
        except FAILURES as error:
            return Outcome(command=command, failed=describe_failure(error))


def type_command(words: Sequence[str]) -> str:
    """The command for a terminal, without the mark that ends the options if no value needs it."""
    place = _end_of_options(words)
    needed = any(word.startswith("-") for word in words[place + 1 :])
    return as_typed(f"broker {shlex.join([*words[:place], *words[place if needed else place + 1 :]])}")


def _insert(words: Sequence[str], *options: str) -> list[str]:
    """With more options before the values, which follow `--` and may begin with anything."""
    place = _end_of_options(words)
    return [*words[:place], *options, *words[place:]]


def _end_of_options(words: Sequence[str]) -> int:
    return list(words).index("--") if "--" in words else len(words)


def _wrap(command: str, done: Any) -> Outcome:
    if isinstance(done, Listing):
        return Outcome(command=command, rows=done.rows, said=done.said)
    if isinstance(done, Partly):
        return Outcome(command=command, rows=done.rows, said=done.left, partly=True)
    if isinstance(done, (Lines, Report)):
        return Outcome(command=command, rows=done.rows)
    if isinstance(done, Mapping):
        return Outcome(command=command, row=done)
    return Outcome(command=command, rows=list(done or ()))
