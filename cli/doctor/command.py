"""broker doctor: finds faults of this deployment or of any authorization server; exits with 1 for an error."""

import argparse
import json
from typing import Any

from chalicelib.config import PREFIX
from cli.deployment.lookup import find_settings
from cli.deployment.operations import OperationError
from cli.doctor.checks import Report, examine
from cli.doctor.deployment import GROUPS as DEPLOYMENT_GROUPS
from cli.doctor.deployment import NETWORK_GROUPS
from cli.doctor.deployment.visit import Here
from cli.doctor.report import build_document, build_words
from cli.doctor.server import GROUPS as SERVER_GROUPS
from cli.doctor.server.answer import split
from cli.doctor.server.asking import Asker, loopback_target
from cli.doctor.server.visit import Server
from cli.progress import Progress

HELP = "find faults of this deployment, or of the authorization server at --url; read-only"


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The arguments of `broker doctor`."""
    parser = groups.add_parser("doctor", parents=[common], help=HELP)
    parser.add_argument("--url", metavar="ISSUER", help="check this authorization server instead of the deployment")
    parser.add_argument("--allow-loopback", action="store_true", help="with --url: allow a server on this machine")
    parser.add_argument(
        "--no-network", action="store_true", help="without --url: check AWS but not the issuer over the network"
    )
    parser.add_argument("--client-id", default="", help="with --url: the client_id of an app registered there")
    parser.add_argument("--redirect-uri", default="", help="with --url: a redirect URI of that app")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; returns 0 if no error was found, else 1. Raises OperationError."""
    with Progress("examining"):
        report = examine_server(options) if options.url else examine_deployment(options)
    print(json.dumps(build_document(report), indent=2) if options.json else "\n".join(build_words(report)))
    return 0 if report.is_well else 1


def examine_deployment(options: argparse.Namespace) -> Report:
    """Raises OperationError if no deployment is named and none runs here."""
    given = find_settings(options)
    target = loopback_target(given.get(f"{PREFIX}ISSUER", ""))
    here = Here(given, allow=(target,) if target else ())
    groups = (*DEPLOYMENT_GROUPS, *(() if options.no_network else NETWORK_GROUPS))
    return examine(given.get(f"{PREFIX}ISSUER", "a deployment without an issuer"), groups, here)


def examine_server(options: argparse.Namespace) -> Report:
    """Raises OperationError if the URL is invalid, or is on this machine without --allow-loopback."""
    parts = split(options.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise OperationError("--url is not the URL of a server", "--url https://login.example.com")
    if bool(options.client_id) != bool(options.redirect_uri):
        raise OperationError("--client-id and --redirect-uri need each other", "give both, or neither")
    target = loopback_target(options.url)
    if target is not None and not options.allow_loopback:
        raise OperationError(f"{parts.hostname} is this machine", f"broker doctor --url {options.url} --allow-loopback")
    asker = Asker(allow=(target,) if target else ())
    server = Server(options.url, asker, client_id=options.client_id, redirect_uri=options.redirect_uri)
    return examine(options.url, SERVER_GROUPS, server)
