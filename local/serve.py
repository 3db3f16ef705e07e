"""`dev.py serve`: the broker alone on loopback, for real work and for black-box tests."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

from cli.deployment.running_stack import FOLDER
from cli.invocation import as_typed, name_program
from cli.parser import CommandParser
from local.registrations import Unserviceable, switch_on_providers
from local.stack.ports import bind, port_of
from local.stack.rotating_log import KeptLog
from local.stack.shutdown import StopSignal
from local.stack.stack import RunningBroker, broker_environ, start_broker

if TYPE_CHECKING:
    from local.stack.journal.journal import Journal

PORT = 8080


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
    add("--port", type=int, default=PORT, help=f"port to listen on (default: {PORT}; 0: a free one)")
    add("--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on; 0.0.0.0 in a container")
    add("--issuer", metavar="URL", help="default: http://127.0.0.1:PORT")
    add("--providers", metavar="DIR", action="append", default=[], help="folder of provider files; may be repeated")
    add("--endpoint-url", metavar="URL", help="DynamoDB and KMS are there (default: an embedded AWS)")
    add("--create-tables", action="store_true", help="create tables and key at an endpoint on another machine, too")
    add("--aws", action="store_true", help="DynamoDB and KMS of your AWS account; nothing is created there")
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
    from chalicelib.adapters.aws.transport import AwsRefusal
    from chalicelib.config import ConfigurationError
    from chalicelib.ports import StoreUnavailable
    from cli.command_failure import describe_failure
    from local.stack.resources import EndpointRefused

    try:
        listener = bind(options.host, options.port)
    except OSError as error:
        raise Unserviceable(f"port {options.port} cannot be used ({error.strerror}); try --port 0") from None
    _check_aws(options)
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
            in_account=options.aws,
            creates_tables=options.create_tables,
        )
    except ConfigurationError as error:
        raise Unserviceable("\n  ".join(["these settings cannot work:", *error.faults])) from None
    except (AwsRefusal, StoreUnavailable) as error:
        failure = describe_failure(error)
        raise Unserviceable(as_typed(f"{failure}\n  next: {failure.hint}")) from None
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


def _check_aws(options: argparse.Namespace) -> None:
    """Raises Unserviceable where the options name two places for the tables."""
    if options.aws and (options.endpoint_url or os.environ.get("BROKER_ENDPOINT_URL")):
        raise Unserviceable("--aws is your AWS account; leave --endpoint-url and BROKER_ENDPOINT_URL out")
    if options.create_tables and not (options.endpoint_url or os.environ.get("BROKER_ENDPOINT_URL")):
        raise Unserviceable("--create-tables needs --endpoint-url")


def _open_journal(options: argparse.Namespace) -> "Journal | None":
    """The state of earlier starts on the same port; None where the port is any, or the AWS another process's.

    Raises Unserviceable.
    """
    if not options.port or options.aws or options.endpoint_url or os.environ.get("BROKER_ENDPOINT_URL"):
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
