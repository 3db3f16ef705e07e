"""broker tail: prints decisions live, one line each; a refusal ends with the command that explains it."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.transport import AwsUnreachable
from chalicelib.config import PREFIX
from cli.commands.explain import running_log, safe
from cli.deployment.aws import BotoTransport
from cli.deployment.lookup import find_deployment
from cli.deployment.operations import OperationError
from cli.explanation.log_follow import follow_cloudwatch, follow_file
from cli.explanation.refusal_log import HANDLER, Line, find_group
from cli.invocation import as_typed

HELP = "follow decisions live: requests, refusals with their reason, alarms, jobs"
SHOWN = ("request", "alarm", "replay_detected", "refresh_failed", "jobs", "keys")
FUNCTIONS = {"api": HANDLER, "jobs": "Jobs", "keys": "Keys"}
QUIET = {
    "jobs": ("done", "later", "given_up", "idle"),
    "keys": ("turned", "vault"),
}  # runs that did nothing are left out
MOST_SECONDS = 10**11  # a moment that a calendar has
COLOURS = {"answered": "32", "refused": "33", "failed": "31", "alarm": "1;31", "jobs": "36", "keys": "36"}
_WORD = re.compile(r"[\x21-\x7e]{1,500}")


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The arguments of `broker tail`."""
    parser = groups.add_parser("tail", parents=[common], help=HELP)
    parser.add_argument(
        "--client", metavar="ID", help="only this client; a refusal shows the client id that the request claimed"
    )
    parser.add_argument("--reason", metavar="REASON", help="only refusals with this reason, or alarms of this kind")
    parser.add_argument("--refused", action="store_true", help="only refusals, failures and alarms")
    parser.add_argument("--alarms", action="store_true", help="only alarms")
    parser.add_argument(
        "--since", type=float, default=1, metavar="MINUTES", help="start this many minutes ago (default: 1)"
    )
    parser.add_argument("--once", action="store_true", help="print the existing lines and exit")
    parser.add_argument(
        "--of", choices=FUNCTIONS, default="api", help="function whose log to read in CloudWatch (default: api)"
    )
    parser.add_argument("--log", metavar="FILE", help="follow this log file")
    parser.add_argument("--log-group", metavar="NAME", help="log group, if there are several")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Print until Ctrl-C, or until the local stack ends; returns 0. Raises OperationError, AwsRefusal."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    found = 0
    try:
        for line in read_decisions(options):
            found += 1
            print(json.dumps(line) if options.json else word_line(line, colour=colour), flush=True)
        if options.once and not found:
            print(f"no matching lines in the last {options.since:g} minutes", file=sys.stderr)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def read_decisions(options: argparse.Namespace) -> Iterator[Line]:
    """The lines that match the options, oldest first; without `once` also new ones.

    Raises OperationError, AwsRefusal.
    """
    for word in (options.client, options.reason):
        if word is not None and not _WORD.fullmatch(word):
            raise OperationError("--client and --reason take one word", "broker tail --reason handle_malformed")
    try:
        for line in _find(options):
            if is_wanted(line, options):
                yield line
    except AwsUnreachable as error:
        raise OperationError(
            f"CloudWatch Logs cannot be reached ({error})", "sign in to AWS, or use --log FILE"
        ) from None


def is_wanted(line: Line, options: argparse.Namespace) -> bool:
    """Whether the line is a decision that matches the options."""
    since = time.time() - options.since * 60
    at, event = line.get("at"), str(line.get("event"))
    if event in QUIET and not any(map(line.get, QUIET[event])):
        return False
    if event not in SHOWN or not isinstance(at, (int, float)) or not 0 <= at < MOST_SECONDS:
        return False
    if at < since and options.log is None:
        return False
    if options.refused and line.get("outcome") == "answered":
        return False
    if options.alarms and line["event"] != "alarm":
        return False
    if options.client is not None and line.get("client_id") != options.client:
        return False
    return options.reason is None or options.reason in (line.get("reason"), line.get("kind"))


def word_line(line: Line, *, colour: bool = False) -> str:
    """One line for a person."""
    kind = str(line.get("outcome") or line["event"])
    told = {"request": _word_request, "jobs": _word_run, "keys": _word_run}.get(line["event"], _word_members)(line)
    moment = time.strftime("%H:%M:%S", time.gmtime(line["at"]))
    painted = f"\x1b[{COLOURS[kind]}m{kind:<8}\x1b[0m" if colour and kind in COLOURS else f"{safe(kind):<8}"
    return f"{moment} {painted} {safe(told)}"


def _word_request(line: Line) -> str:
    whose = f" client {line['client_id']}" if line.get("client_id") else ""
    told = f"{line.get('route')} {line.get('status')}"
    end = f"{whose}, {line.get('milliseconds')} ms{', cold' if line.get('start') == 'cold' else ''}"
    if line.get("outcome") == "answered":
        return told + end
    explain = as_typed("broker explain")
    return f"{told} {line.get('error')} {line.get('reason')}{end}; {explain} {line.get('request_id')}"


def _word_members(line: Line) -> str:
    left_out = ("at", "event", "kind", "request_id", "lambda_request_id", "sealed")
    named = [str(line["kind"])] if "kind" in line else []
    return " ".join([*named, *(f"{k}={v}" for k, v in line.items() if k not in left_out)])


def _word_run(line: Line) -> str:
    return " ".join(f"{name}={line[name]}" for name in QUIET.get(line["event"], ()) if name in line)


def _find(options: argparse.Namespace) -> Iterator[Line]:
    """The named file, else the named deployment, else the stack that runs here."""
    on = not options.once
    if options.log:
        if not Path(options.log).is_file():
            raise OperationError(
                f"{options.log} is not a file", "use an existing --log FILE, or omit --log for the running stack"
            )
        return follow_file(Path(options.log), on=on)
    if not options.log_group and not any(name.startswith(PREFIX) for name in os.environ):
        *older, newest = running_log(options.stack) or [""]
        if newest:
            return follow_file(Path(newest), older=[Path(each) for each in older], on=on)
    deployment = find_deployment(options)
    logs = BotoTransport("logs", endpoint_url=deployment.settings.endpoint_url)
    group, since = options.log_group or find_group(logs, FUNCTIONS[options.of]), time.time() - options.since * 60
    return follow_cloudwatch(logs, group, since=since, pattern=_pattern(options), on=on)


def _pattern(options: argparse.Namespace) -> str:
    """The filter that CloudWatch applies."""
    word = options.client or options.reason
    return f'"{word}"' if word and re.fullmatch(r"[\w:/.-]+", word) else ""
