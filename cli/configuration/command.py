"""broker apply: make a deployment what a file declares. broker config export: write that file."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from chalicelib.records.client import Client
from cli import command_audit
from cli.client_options.known_scopes import FORCE_HELP
from cli.configuration.deletions import HELP, plan_deletions
from cli.configuration.document import Configuration, read_file
from cli.configuration.exporter import export_document, write_document
from cli.configuration.planner import Planner, list_unlisted
from cli.configuration.report import describe_rows, describe_text, describe_unlisted
from cli.configuration.settings_entry import plan_settings
from cli.configuration.steps import Step
from cli.configuration.workbench import Choices
from cli.deployment.operations import Deployment, OperationError
from cli.output import Report, Summary

DIFFERS = 3  # the exit code where the deployment is not what the file declares


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """`broker apply` and `broker config export`."""
    said = "make clients, providers and APIs what a file declares"
    parser = groups.add_parser(
        "apply", parents=[common], help=said, epilog="Exit code 3: the deployment still differs."
    )
    parser.add_argument("file", metavar="FILE.toml")
    parser.add_argument("--plan", action="store_true", help="print what would change and change nothing")
    parser.add_argument("--delete", action="append", default=[], metavar="KIND:ID", help=HELP)
    parser.add_argument(
        "--secrets-to", metavar="FILE", help="append the secrets of new clients to this file, mode 0600"
    )
    parser.add_argument("--force", action="store_true", help=FORCE_HELP)
    moving = "end present connections if this changes a provider's hosts"
    parser.add_argument("--ends-connections", action="store_true", help=moving)
    parser.set_defaults(act=_apply)
    verbs = groups.add_parser("config", help="the configuration as a file").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    export = verbs.add_parser("export", parents=[common], help="write what `broker apply` reads, without secrets")
    export.add_argument("--to", metavar="FILE.toml", help="a new file (default: standard output)")
    export.set_defaults(act=_export)


def _apply(deployment: Deployment, options: argparse.Namespace) -> Report:
    configuration = read_file(options.file)
    if configuration.issuer not in (None, deployment.settings.issuer):
        said = f"{options.file} is for {configuration.issuer}, and this deployment is {deployment.settings.issuer}"
        raise OperationError(said, "set BROKER_ISSUER, add --stack NAME, or change issuer in the file")
    vault = SecretsFile(options.secrets_to)
    choices = Choices(keep=vault.keep, force=options.force, ends_connections=options.ends_connections)
    planner = Planner(deployment, configuration, choices)
    later = plan_settings(deployment, configuration.settings)
    planner.plan()
    plan_deletions(planner, options.delete)
    unlisted = [one for one in list_unlisted(planner) if one[0] not in options.delete]
    if options.plan:
        lines = _head(planner.steps + later, "would change") + describe_text(planner.steps + later)
    else:
        vault.check(planner.steps)
        carry_out(deployment, configuration, planner.steps, options.file)
        lines = _head(planner.steps, "changed") + describe_text(planner.steps)
        lines += ["", "Left for a deployment:", *describe_text(later)] if later else []
    lines += ["", *planner.notes] if planner.notes else []
    rows = describe_rows(planner.steps + later)
    left = later if not options.plan else planner.steps + later
    return Report(rows, "\n".join([*lines, *describe_unlisted(unlisted)]), DIFFERS if left else 0)


def carry_out(deployment: Deployment, configuration: Configuration, steps: list[Step], file: str) -> None:
    """Each step as the single command, with its own audit records. Raises OperationError."""
    for number, step in enumerate(steps):
        step.options.act = step.act
        step.options.applied = configuration.digest[:16]
        try:
            command_audit.run_on_record(deployment, step.options)
        except OperationError as fault:
            said = f"{step.title}: {fault}; {number} of {len(steps)} changes were made before"
            raise OperationError(said, f"broker apply {file} --plan") from None


class SecretsFile:
    """Where the secrets of new clients go, each before its client is registered: a file, or the operator's terminal."""

    def __init__(self, name: str | None) -> None:
        self._path = Path(name) if name else None

    def check(self, steps: list[Step]) -> None:
        """Raises OperationError if a secret would be lost, or end in the log of a program."""
        needs = [step.title for step in steps if step.options.command == "client create" and _has_secret(step)]
        if needs and self._path is None and not sys.stdout.isatty():
            raise OperationError(f"{needs[0]} gets a secret, and nobody is here to read it", "add --secrets-to FILE")
        if self._path is not None and self._path.exists() and self._path.stat().st_mode & 0o077:
            raise OperationError(f"other users may read {self._path}", f"chmod 600 {self._path}")

    def keep(self, client: Client, secret: str) -> None:
        """Store one secret. Raises OperationError."""
        row = {"client_id": client.client_id, "client_name": client.client_name, "client_secret": secret}
        if self._path is None:
            print(*(f"{name:<14} {value}" for name, value in row.items()), "(shown only now)", sep="\n", flush=True)
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OperationError(f"{self._path} cannot be written: {error.strerror}", "--secrets-to FILE") from None


def _has_secret(step: Step) -> bool:
    return str(step.options.auth_method).startswith("client_secret_")


def _head(steps: list[Step], verb: str) -> list[str]:
    count = sum(step.shown for step in steps)
    if not count:
        return ["The deployment is what the file declares."]
    return [f"{count} {'thing' if count == 1 else 'things'} {verb}:", ""]


def _export(deployment: Deployment, options: argparse.Namespace) -> Summary:
    document, remarks = export_document(deployment)
    text = write_document(document, remarks, deployment.clock.now())
    if options.to:
        try:
            with Path(options.to).open("x", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise OperationError(f"{options.to} cannot be written: {error.strerror}", "name a new file") from None
        text = "\n".join(
            [f"{options.to} is written. Set the variables that it names, then:", "", _plan_line(options.to)]
        )
    return Summary(document, text=text)


def _plan_line(file: str) -> str:
    return f"  python3 dev.py broker apply {file} --plan"
