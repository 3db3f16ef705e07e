"""`broker vault`: recovers provider responses from the log, and re-encrypts users' keys after a rotation of the vault
key.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalicelib.composition import build_broker
from chalicelib.config import read_catalog
from chalicelib.keys.lifecycle import next_step, rules_of
from chalicelib.keys.rewrap import reseal_vault
from chalicelib.ports import Broker
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.reseal import Reseal
from chalicelib.vault.journal_log import read_from_log
from chalicelib.vault.journal_recovery import recover_journal
from cli.commands.keys import rotator_of
from cli.deployment.operations import Deployment, OperationError, list_providers
from cli.output import date, log_stream


def recover(broker: Broker, lines: Iterable[str]) -> list[dict[str, Any]]:
    """Recover every provider response in these log lines; one row for each."""
    found = [recovery for recovery in map(read_from_log, lines) if recovery is not None]
    return [
        {
            "connection": recovery.connection_id,
            "generation": recovery.generation,
            "received_at": recovery.received_at,
            "outcome": recover_journal(broker, recovery),
        }
        for recovery in found
    ]


def _recover(deployment: Deployment, options: argparse.Namespace) -> list[dict[str, Any]]:
    broker = build_broker(
        deployment.settings, dynamodb=deployment.dynamodb, kms=deployment.kms, log_stream=log_stream()
    )
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(errors="replace")
    except OSError as error:
        raise OperationError(
            f"{options.file}: {error.strerror}", "give a file of log lines, or - for standard input"
        ) from None
    rows = recover(broker, text.splitlines())
    if not rows:
        raise OperationError(
            "no line has a provider response to recover",
            "filter the function's log for recovery_not_stored and pass the lines unchanged",
        )
    return rows


def _reseal(deployment: Deployment, options: argparse.Namespace) -> dict[str, Any]:
    """Continue from where the last run stopped, until every user key was checked."""
    clock = deployment.clock
    # The schedule covers providers with a file; this command lists the table and re-encrypts the other secrets too.
    names = read_catalog(deployment.settings).ids | {record.provider_id for record in list_providers(deployment)}
    done = reseal_vault(
        rotator_of(deployment), deployment.keys, provider_ids=names, now=clock.now, left=lambda: float("inf")
    )
    look = done.look or Reseal(version=0, began_at=0)
    return {
        "state": done.state,
        "version": look.version or None,
        "looked_at": look.seen,
        "resealed": look.resealed,
        "do_not_open": look.broken,
        "old_versions_gone": [turn.version for turn in done.gone],
        "not_before": date(done.at),
        "next": _published(deployment) if done.state == "nothing_to_do" else _AFTER[done.state],
    }


def _published(deployment: Deployment) -> str:
    """For a vault with one key in use: whether the next key is published."""
    place = keyset_item_key("vault")
    item = deployment.store.read(place).get(place)
    step = next_step(item, rules_of("vault", deployment.settings)) if item else None
    if step is None or step.kind != "use":
        return _AFTER["nothing_to_do"]
    begins = f"version {step.version} is published and is used from {date(step.at)}"
    return f"{begins}; wait for the schedule or run broker keys rotate vault then; run this command after that"


_AFTER = {
    "nothing_to_do": "run broker keys rotate vault to rotate the key",
    "too_early": "repeat the command then, or wait for the schedule",
    "going_on": "another process does the same; repeat the command",
    "resealed": "repeat the command: a run that finds nothing left destroys the old key",
    "clean": "nothing needs the old key; it was destroyed",
}


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """broker vault recover|reseal."""
    verbs = groups.add_parser("vault", help="manage the encrypted provider tokens").add_subparsers(
        dest="verb", required=True
    )
    words = verbs.add_parser(
        "recover", parents=[common], help="recover provider responses that are stored only in the log, encrypted"
    )
    words.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="file with log lines of the function (default and -: standard input)",
    )
    words.set_defaults(act=_recover)
    again = verbs.add_parser("reseal", parents=[common], help="re-encrypt users' keys after the vault key was rotated")
    again.set_defaults(act=_reseal)
