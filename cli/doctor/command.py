"""broker doctor: what is wrong with this deployment, or with any authorization server; exit code 1 for an error."""

import argparse
import json
from typing import Any

from chalicelib.config import PREFIX
from cli.doctor.checks import Report, examine
from cli.doctor.deployment import GROUPS as DEPLOYMENT_GROUPS
from cli.doctor.deployment import NETWORK_GROUPS
from cli.doctor.deployment.visit import Here
from cli.doctor.report import build_document, build_words
from cli.doctor.server import GROUPS as SERVER_GROUPS
from cli.doctor.server.answer import split
from cli.doctor.server.asking import Asker, loopback_target
from cli.doctor.server.visit import Server
from cli.finding import find_settings
from cli.operations import OperationError

HELP = "what is wrong here, or with the authorization server at --url; it only reads"


def add_parser(groups: Any, common: argparse.ArgumentParser) -> None:
    """The words of `broker doctor`."""
    parser = groups.add_parser("doctor", parents=[common], help=HELP)
    parser.add_argument("--url", metavar="ISSUER", help="any authorization server, instead of this deployment")
    parser.add_argument("--allow-loopback", action="store_true", help="with --url: it may be a server of this machine")
    parser.add_argument("--no-network", action="store_true", help="without --url: ask AWS, and not the issuer")
    parser.add_argument("--client-id", default="", help="with --url: an app that is registered there")
    parser.add_argument("--redirect-uri", default="", help="with --url: that app's")
    parser.set_defaults(alone=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; 0 where no error was found, else 1. Raises OperationError."""
    report = examine_server(options) if options.url else examine_deployment(options)
    print(json.dumps(build_document(report), indent=2) if options.json else "\n".join(build_words(report)))
    return 0 if report.is_well else 1


def examine_deployment(options: argparse.Namespace) -> Report:
    """Raises OperationError where no deployment is named and none runs here."""
    given = find_settings(options)
    target = loopback_target(given.get(f"{PREFIX}ISSUER", ""))
    here = Here(given, allow=(target,) if target else ())
    groups = (*DEPLOYMENT_GROUPS, *(() if options.no_network else NETWORK_GROUPS))
    return examine(given.get(f"{PREFIX}ISSUER", "a deployment without an issuer"), groups, here)


def examine_server(options: argparse.Namespace) -> Report:
    """Raises OperationError where the address is none, or one of this machine without leave."""
    parts = split(options.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise OperationError("--url is no address of a server", "--url https://login.example.com")
    if bool(options.client_id) != bool(options.redirect_uri):
        raise OperationError("--client-id and --redirect-uri go together", "give both, or neither")
    target = loopback_target(options.url)
    if target is not None and not options.allow_loopback:
        raise OperationError(f"{parts.hostname} is this machine", f"broker doctor --url {options.url} --allow-loopback")
    asker = Asker(allow=(target,) if target else ())
    server = Server(options.url, asker, client_id=options.client_id, redirect_uri=options.redirect_uri)
    return examine(options.url, SERVER_GROUPS, server)
