"""broker explain: explains to the operator why a request was refused. The client received only an error id."""

import argparse
import json
import os
import textwrap
import time
from typing import Any

from chalicelib.adapters.aws.transport import AwsUnreachable
from chalicelib.config import PREFIX
from cli.deployment.lookup import find_deployment
from cli.deployment.operations import OperationError
from cli.deployment.running_stack import list_running
from cli.deployment.stacks import choose
from cli.explanation.explanation import explain
from cli.explanation.refusal_log import ERROR_ID, Line, find_in_cloudwatch, find_in_file, find_in_files

WIDTH = 100
HELP = "explain why a request was refused: the checks, what was expected and received, and what to do"


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The arguments of `broker explain`."""
    parser = groups.add_parser("explain", parents=[common], help=HELP)
    parser.add_argument("error_id", help="error_id of a response, or the reference on an error page")
    parser.add_argument("--log", metavar="FILE", help="read this log file; - for standard input")
    parser.add_argument("--log-group", metavar="NAME", help="log group of the API function, if there are several")
    parser.add_argument("--days", type=int, default=3, help="how many days of CloudWatch Logs to search (default: 3)")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Print the explanation; 0. Raises OperationError."""
    document = build_explanation(options)
    print(json.dumps(document, indent=2) if options.json else "\n".join(_words(document)))
    return 0


def build_explanation(options: argparse.Namespace) -> dict[str, Any]:
    """Find the refusal in the log and explain it. Raises OperationError, AwsRefusal."""
    if not ERROR_ID.fullmatch(options.error_id):
        raise OperationError("not a valid error id", "broker explain ERROR_ID, as shown in the response or on the page")
    lines = _find(options)
    if not lines:
        hint = "check that it is from this deployment and recent (--days N); to read a file, add --log FILE"
        raise OperationError(f"the log has no refusal {options.error_id}", hint)
    return explain(lines)


def _find(options: argparse.Namespace) -> list[Line]:
    """The named file, else the named deployment, else the stack that runs here."""
    if options.log:
        return find_in_file(options.log, options.error_id)
    if not options.log_group and not any(name.startswith(PREFIX) for name in os.environ):
        files = running_log(options.stack, every=True)
        if files:
            return find_in_files(files, options.error_id)
    try:
        return find_in_cloudwatch(
            find_deployment(options), options.error_id, group=options.log_group, days=options.days
        )
    except AwsUnreachable as error:
        raise OperationError(
            f"CloudWatch Logs cannot be reached ({error})", "sign in to AWS, or use --log FILE"
        ) from None


def running_log(name: str | None = None, *, every: bool = False) -> list[str]:
    """The files of a local stack's log. Raises OperationError.

    name    of the stack; None: the default stack
    every   without a name, the files of all stacks
    """
    running = list_running()
    stack = choose(running, name)
    chosen = running if every and name is None else [stack] if stack else []
    return [file for one in reversed(chosen) for file in one.log]


def _words(document: dict[str, Any]) -> list[str]:
    at = document["at"]
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if isinstance(at, (int, float)) else "-"
    lines = [
        f"refused   {safe(document['endpoint'] or '-')}, {moment}",
        f"reason    {safe(document['reason'])}",
        f"returned  error={safe(document['told_the_client']['error'])} to the client, and none of the following",
        "",
        *_wrap(document["says"]),
        "",
    ]
    for step in document["path"]:
        lines.append(f"  {'ok' if step['outcome'] == 'passed' else 'NO':2}  {step['check']}")
    lines += ["", *_show_differences(document), *_show_evidence(document)]
    return lines + _advise(document)


def _show_differences(document: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for each in document["differences"]:
        lines += [f"expected  {safe(each['expected'])}", f"received  {safe(each['received'])}"]
        lines += [f"          {each['marks']}"] if each["marks"] else []
    return [*lines, ""] if lines else []


def _show_evidence(document: dict[str, Any]) -> list[str]:
    told = () if not document["differences"] else ("expected", "received")
    rows = {name: value for name, value in document["evidence"].items() if name not in told}
    width = max(map(len, rows), default=0)
    lines = [f"{safe(name):<{width}}  {safe(_join(value))}" for name, value in sorted(rows.items())]
    return [*lines, ""] if lines else []


def _advise(document: dict[str, Any]) -> list[str]:
    lines = _wrap(document["do"])
    if document.get("attack"):
        lines += _wrap("If none of your apps sent this request, change nothing: it looks like an attack.")
    if document.get("fix"):
        lines += ["", f"  {document['fix']}"]
    return [*lines, "", f"{document['by']}; {document['more']}"] if "more" in document else lines


def _join(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)


def safe(value: Any) -> str:
    """Others may have written into the log, so control characters are removed."""
    return "".join(one if " " <= one <= "~" else one.encode("unicode_escape").decode() for one in str(value))
