"""The embedded AWS: moto's DynamoDB and KMS on a loopback port, made atomic, with the tables and the key of infra/.

Without a journal, everything is in memory and gone when it stops. Run as a module it is a process of its own:
`python -m local.stack.aws --port 0 --json`.
"""

import argparse
import functools
import logging
import threading
from collections import Counter
from typing import Any

from cli.deployment.local_environment import use_local_credentials
from cli.parser import CommandParser
from local.stack.dynamodb_limits import find_long_expression, refusal_of
from local.stack.http1 import BadMessage, Head
from local.stack.http_server import Answer, Serving
from local.stack.journal.journal import Journal
from local.stack.journal.kms_keys import describe_keys, restore_keys
from local.stack.journal.recorded_writes import WriteRecorder
from local.stack.journal.restored_items import restore_items
from local.stack.ports import bind
from local.stack.resources import create_key, create_tables
from local.stack.wsgi import call_wsgi

__all__ = ["EmbeddedAws", "create_key", "create_tables", "main", "start_aws"]

log = logging.getLogger("local.stack.aws")
_DYNAMODB_LOCK = threading.RLock()


def serialise_dynamodb() -> None:
    """Let moto run one DynamoDB call at a time.

    Stock moto checks a condition and writes in two steps, so that two threads can both win one conditional update; real
    DynamoDB is atomic per item. The call serialises its answer too, hence the lock lies around all of it.
    """
    from moto.dynamodb.responses import DynamoHandler

    stock = DynamoHandler.call_action
    if getattr(stock, "is_serialised", False):
        return

    def call_action(self: Any) -> Any:
        with _DYNAMODB_LOCK:
            return stock(self)

    call_action.is_serialised = True  # type: ignore[attr-defined]
    DynamoHandler.call_action = call_action  # type: ignore[method-assign]


def remember_methods() -> None:
    """Let moto look once at what a handler can do; at each call it would go through all members of the class again."""
    from moto.core import responses

    stock = responses.method_names_from_class  # type: ignore[attr-defined]
    if not hasattr(stock, "cache_info"):
        responses.method_names_from_class = functools.cache(stock)  # type: ignore[attr-defined]


class EmbeddedAws(Serving):
    """A running stand-in. `calls` counts what arrived on the wire, by operation ("UpdateItem", "Decrypt", ...).

    Connections are persistent, as at AWS; moto's own server closes each after one response.
    """

    def __init__(self, port: int = 0) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.calls: Counter[str] = Counter()
        self._recorder: WriteRecorder | None = None
        self._dispatch = DomainDispatcherApplication(create_backend_app)
        # Stock moto lists its folders and tries its patterns at each call: half of what a call costs.
        look_up = functools.lru_cache(64)(self._dispatch.get_backend_for_host)
        self._dispatch.get_backend_for_host = look_up  # type: ignore[method-assign]
        super().__init__(bind("127.0.0.1", port), self._call, _refuse)
        self.start()

    @property
    def endpoint_url(self) -> str:
        """Where DynamoDB and KMS both answer."""
        return f"http://127.0.0.1:{self.port}"

    def _call(self, head: Head, body: bytes, source: Any) -> Answer:
        target = "".join(head.values("x-amz-target"))
        self.calls[target.rpartition(".")[2]] += 1
        if target.startswith("DynamoDB_") and (name := find_long_expression(body)):
            return 400, [("Content-Type", "application/x-amz-json-1.0")], refusal_of(name)
        try:
            return self._recorder(target, head, body) if self._recorder else self._carry_out(head, body)
        except Exception:
            log.exception("moto raised")
            return 500, [("Content-Type", "application/x-amz-json-1.0")], b'{"__type": "InternalServerError"}'

    def record(self, journal: Journal) -> None:
        """Write every change to a journal from now on."""
        self._recorder = WriteRecorder(journal, self._carry_out)

    def _carry_out(self, head: Head, body: bytes) -> Answer:
        return call_wsgi(self._dispatch, head, body, port=self.port)


def start_aws(
    port: int = 0, *, table: str = "broker", keys_table: str = "broker-keys", journal: Journal | None = None
) -> EmbeddedAws:
    """Start the embedded AWS with its tables and key; port 0 takes a free one.

    journal   what its items and keys were, and where changes to them are written

    Raises OSError where the port is taken. Sets this process's AWS environment to the stand-in's.
    """
    use_local_credentials()
    serialise_dynamodb()
    remember_methods()
    aws = EmbeddedAws(port)
    create_tables(aws.endpoint_url, table, keys_table)
    if journal:
        restore_keys(journal.contents.keys)
        restore_items(aws.endpoint_url, journal.contents.items, tables={table, keys_table})
        aws.record(journal)
    create_key(aws.endpoint_url)
    if journal:
        journal.record_keys(describe_keys())  # a key that another AWS of this process made is among them
    return aws


def _refuse(bad: BadMessage) -> Answer:
    return bad.status, [("Content-Type", "text/plain")], bad.message.encode()


def build_parser() -> CommandParser:
    """The options of `dev.py aws`."""
    parser = CommandParser(prog="dev.py aws", description="DynamoDB and KMS alone, for a broker on this machine.")
    port = "port on 127.0.0.1; the next start on it has the same data (default: a free port, and nothing is stored)"
    parser.add_argument("--port", type=int, default=0, help=port)
    parser.add_argument("--fresh", action="store_true", help="forget everything of earlier starts on this port")
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready, nothing else")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """`dev.py aws`: the embedded AWS as a process of its own, until Ctrl-C or SIGTERM."""
    from cli.deployment.running_stack import RunningStack
    from local.stack.shutdown import StopSignal

    parser = build_parser()
    options = parser.parse_args(arguments)
    stop = StopSignal()
    try:
        aws = start_aws(options.port, journal=_open_journal(parser, options))
    except OSError as error:
        parser.exit(2, f"{parser.prog}: port {options.port} cannot be used ({error.strerror}); try --port 0\n")
    with RunningStack(endpoint_url=aws.endpoint_url, kind="aws"):
        stop.announce({"endpoint_url": aws.endpoint_url}, as_json=options.json)
        stop.wait()
    aws.stop()
    return 0


def _open_journal(parser: CommandParser, options: argparse.Namespace) -> Journal | None:
    """The state of earlier starts on the same port; None where the port is any."""
    if not options.port:
        return None
    from local.stack.journal.folder import find_folder, open_journal
    from local.stack.journal.journal import StateDamaged, StateTaken

    name = f"aws-{options.port}"
    try:
        return open_journal(name, fresh=options.fresh)
    except StateTaken:
        parser.exit(2, f"dev.py aws: another process uses {find_folder(name)}\n")
    except StateDamaged as fault:
        parser.exit(2, f"dev.py aws: {fault}\n")


if __name__ == "__main__":
    raise SystemExit(main())
