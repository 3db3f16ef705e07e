"""`dev.py serve`: the broker alone on loopback, for real work and for black-box tests."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO, cast

from cli.deployment.running_stack import FOLDER
from cli.invocation import as_typed, name_program
from cli.parser import CommandParser
from local.stack.ports import bind, port_of
from local.stack.rotating_log import KeptLog
from local.stack.shutdown import StopSignal
from local.stack.stack import RunningBroker, broker_environ, start_broker

if TYPE_CHECKING:
    from chalicelib.providers.catalog import Catalog
    from local.stack.journal.journal import Journal

PORT = 8080


class Unserviceable(Exception):
    """It cannot start; the message says what to change."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; 2 where the options or settings cannot work."""
    options = build_parser().parse_args(arguments)
    stop = StopSignal()
    kept = KeptLog(sys.stderr if options.log == "-" else None, FOLDER.parent / f"serve-{os.getpid()}.log")
    try:
        running = start(options, cast(TextIO, kept))
    except Unserviceable as fault:
        print(f"{name_program('dev.py serve')}: {fault}", file=sys.stderr)
        return 2
    if options.log != "-" and not options.json:
        print(f"The log is {kept.files[-1]}; --log - prints it here.", file=sys.stderr)
    with running.as_running("serve", log=kept.files):
        stop.announce({"issuer": running.issuer, "endpoint_url": running.endpoint_url}, as_json=options.json)
        stop.wait()
    running.stop()
    kept.remove()
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The options; two of them make the gateway as awkward as the real one."""
    parser = CommandParser(prog="dev.py serve", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=PORT, help=f"port on 127.0.0.1 (default: {PORT}; 0: a free one)")
    add("--issuer", metavar="URL", help="default: http://127.0.0.1:PORT")
    add("--providers", metavar="DIR", action="append", default=[], help="folder of provider files; may be repeated")
    add("--endpoint-url", metavar="URL", help="DynamoDB and KMS are there (default: an embedded AWS)")
    add("--open-registration", action="store_true", help="let any client register itself")
    any_setting = "any field of chalicelib/records/settings.py; may be repeated"
    add("--set", metavar="KEY=VALUE", action="append", default=[], dest="settings", help=any_setting)
    add("--stage-prefix", metavar="PATH", default="", help="serve under /api, say, as a stage without its own domain")
    add("--fresh", action="store_true", help="forget everything of earlier starts on this port")
    add("--keep-www-authenticate", action="store_true", help="do not rename that header, as API Gateway does")
    add("--log", choices=("-",), help="- also prints the log to standard error (default: only to its file)")
    add("--json", action="store_true", help="one line of JSON when ready, nothing else on standard output")
    return parser


def start(options: argparse.Namespace, log: TextIO = sys.stderr) -> RunningBroker:
    """Raises Unserviceable."""
    from chalicelib.config import ConfigurationError
    from local.stack.resources import EndpointRefused

    try:
        listener = bind("127.0.0.1", options.port)
    except OSError as error:
        raise Unserviceable(f"port {options.port} cannot be used ({error.strerror}); try --port 0") from None
    local = f"http://127.0.0.1:{port_of(listener)}{options.stage_prefix}"
    journal = _open_journal(options)
    environ = broker_environ({"issuer": local if options.issuer is None else options.issuer, **_kept(options)})
    try:
        running = start_broker(
            environ,
            listener=listener,
            endpoint_url=options.endpoint_url,
            log_stream=log,
            stage_prefix=options.stage_prefix,
            remap_authenticate=not options.keep_www_authenticate,
            journal=journal,
        )
    except ConfigurationError as error:
        raise Unserviceable("\n  ".join(["these settings cannot work:", *error.faults])) from None
    except (OSError, EndpointRefused) as error:
        there = options.endpoint_url or environ.get("BROKER_ENDPOINT_URL", "the embedded AWS")
        said = as_typed(f"{there} does not do as AWS does ({error}); 'python3 dev.py aws' starts one")
        raise Unserviceable(said) from None
    try:
        switch_on_providers(running, os.environ)
    except Unserviceable:
        running.stop()
        raise
    return running


def _open_journal(options: argparse.Namespace) -> "Journal | None":
    """The state of earlier starts on the same port; None where the port is any, or the AWS another process's.

    Raises Unserviceable.
    """
    if not options.port or options.endpoint_url or os.environ.get("BROKER_ENDPOINT_URL"):
        return None
    from local.stack.journal.folder import find_folder, open_journal
    from local.stack.journal.journal import StateDamaged, StateTaken

    name = f"serve-{options.port}"
    try:
        return open_journal(name, fresh=options.fresh)
    except StateTaken:
        raise Unserviceable(f"another process uses {find_folder(name)}") from None
    except StateDamaged as fault:
        raise Unserviceable(str(fault)) from None


def switch_on_providers(running: RunningBroker, environ: Mapping[str, str]) -> None:
    """Register us where a provider file of the operator says as whom; secrets come from the environment by reference.

    Raises Unserviceable where a referenced variable is missing.
    """
    from chalicelib.config import read_catalog
    from cli.deployment.operations import OperationError, set_provider
    from cli.deployment.secret_source import check_key
    from cli.deployment.variables import WrongVariables, check_variables

    catalog: Catalog = read_catalog(running.deployment.settings)
    for provider_id in sorted(catalog.ids):
        definition = catalog.get(provider_id)
        registration = definition.registration if definition else None
        if definition is None or registration is None:
            continue
        if definition.discovery and definition.issuer is None:
            raise Unserviceable(f"the file of provider {provider_id} registers us but names no issuer; add one")
        name = (registration.client_secret or "").removeprefix("env:")
        if name and not environ.get(name):
            raise Unserviceable(f"provider {provider_id} wants its client secret in the variable {name}; set it")
        secret = environ[name] if name else None
        try:
            check_key(secret or "", definition)
        except OperationError as unusable:
            raise Unserviceable(f"{unusable}; put a private key in PEM into {name}") from None
        try:
            check_variables(definition, registration.variables)
        except WrongVariables as wrong:
            said = f"{wrong}; write it below [registration.variables]"
            raise Unserviceable(f"the file of provider {provider_id} registers us, but {said}") from None
        set_provider(
            running.deployment,
            provider_id,
            client_id=registration.client_id,
            client_secret=secret,
            variables=registration.variables,
        )


def _kept(options: argparse.Namespace) -> dict[str, str]:
    """Settings by name, as the options give them. Raises Unserviceable."""
    from chalicelib.config import FOLDER_SEPARATOR

    kept: dict[str, str] = {}
    for setting in options.settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise Unserviceable(f"--set {setting}: write it as KEY=VALUE")
        kept[name.strip().lower()] = value
    if options.open_registration:
        kept["registration"] = "open"
    if options.providers:
        kept["provider_dirs"] = FOLDER_SEPARATOR.join(os.path.abspath(folder) for folder in options.providers)
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
