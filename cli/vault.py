"""`broker vault`: what the log kept when the table refused."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalicelib.composition import build_broker
from chalicelib.custody.keeping import read_from_log, recover_answer
from chalicelib.ports import Broker
from cli.operations import Deployment, OperationError


def recover(broker: Broker, lines: Iterable[str]) -> list[dict[str, Any]]:
    """Bring every answer back that these lines of the log hold; one row for each."""
    found = [recovery for recovery in map(read_from_log, lines) if recovery is not None]
    return [
        {
            "connection": recovery.connection_id,
            "generation": recovery.generation,
            "received_at": recovery.received_at,
            "outcome": recover_answer(broker, recovery),
        }
        for recovery in found
    ]


def _recover(deployment: Deployment, options: argparse.Namespace) -> list[dict[str, Any]]:
    broker = build_broker(deployment.settings, dynamodb=deployment.dynamodb, kms=deployment.kms, log_stream=sys.stderr)
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(errors="replace")
    except OSError as error:
        raise OperationError(
            f"{options.file}: {error.strerror}", "give a file of log lines, or - for standard input"
        ) from None
    rows = recover(broker, text.splitlines())
    if not rows:
        raise OperationError(
            "no line holds an answer that the table refused",
            "filter the function's log for recovery_not_stored and give the lines as they are",
        )
    return rows


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """broker vault recover."""
    verbs = groups.add_parser("vault", help="third parties' tokens").add_subparsers(dest="verb", required=True)
    words = verbs.add_parser(
        "recover", parents=[common], help="bring back answers of providers that the log kept, sealed"
    )
    words.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="lines of the function's log (- or nothing: standard input)",
    )
    words.set_defaults(act=_recover)
