"""Audit records of operators: a command that changes or exports data writes one record before it starts and one at its
end.

The first record is written before anything else, so a killed command leaves a trace. If the record cannot be written,
the command does nothing. A table says which commands are recorded. A command that is missing from the table cannot run.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from msgspec import field
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.codec import decode_item
from chalicelib.adapters.dynamodb.store import read_event
from chalicelib.adapters.process.log import redact
from chalicelib.ports import StoreUnavailable
from chalicelib.records.audit import AuditEvent
from chalicelib.records.item_keys import DEPLOYMENT
from cli.confirmation import confirm, find_question
from cli.deployment.aws import name_caller
from cli.deployment.broker import find_broker
from cli.deployment.operations import Deployment, OperationError
from cli.deployment.users import find_sub
from cli.invocation import PROGRAM
from cli.output import Lines, Listing, Partly, Report

EVENT = "operated"
Outcome = Literal["begun", "done", "failed"]


class Act(AuditEvent, frozen=True, kw_only=True):
    """One command of an operator, at its start or at its end.

    operator   the ARN of the credentials, or the access key's id
    command    its words: "client secret rotate"
    user       the user concerned; not stored under the user's hand-out records, so it does not count as a use
    given      its other options as typed; at the end also what the command created
    outcome    failed: the command ended with an error and did nothing, or not everything
    begun      in the record of the end: the `request_id` of the start
    """

    operator: str = ""
    command: str = ""
    user: str = ""
    given: dict[str, str] = field(default_factory=dict)
    outcome: Outcome = "begun"
    begun: str = ""


class About(NamedTuple):
    """The options and results of one command that are recorded. None of them is a secret.

    ids    option -> member of the record
    made   members of its result
    """

    ids: Mapping[str, str] = {}
    made: tuple[str, ...] = ()


_CLIENT, _USER = {"client_id": "client_id"}, {"sub": "user"}
ON_RECORD: dict[str, About] = {
    "init": About(made=("created",)),
    "client create": About(made=("client_id",)),
    "client update": About(_CLIENT),
    "client disable": About(_CLIENT),
    "client enable": About(_CLIENT),
    "client delete": About(_CLIENT),
    "client secret rotate": About(_CLIENT),
    "registration-token create": About(made=("name",)),
    "registration-token revoke": About(made=("name",)),
    "provider set": About({"provider_id": "provider_id"}),
    "issuer add": About(made=("issuer",)),
    "issuer accept": About(made=("issuer", "revision")),
    "issuer unaccept": About(made=("issuer", "revision")),
    "issuer forget-keys": About(made=("issuer", "keys_after")),
    "issuer remove": About(made=("issuer",)),
    "resource create": About({"audience": "audience"}),
    "resource update": About({"audience": "audience"}),
    "resource delete": About({"audience": "audience"}),
    "keys rotate": About(made=("purpose", "version", "done")),
    "keys destroy": About(made=("done",)),
    "kill client": About({"named": "client_id"}),
    "kill user": About(_USER),
    "kill provider": About({"named": "provider_id"}),
    "kill issuer": About(),
    "kill everything": About(),
    "restore finish": About(made=("epoch", "vault_versions_brought_back", "erased_again")),
    "connection revoke": About(
        {"connection_id": "connection_id", "client": "client_id", "user": "user", "provider": "provider_id"},
        ("at_provider",),
    ),
    "connection import": About({"client": "client_id"}, ("imported", "present", "left")),
    "connection export": About({"client": "client_id", "provider": "provider_id"}, ("exported",)),
    "user erase": About(_USER),
    "user sign-out": About(_USER),
    "jobs run": About(made=("connection", "outcome")),
    "vault recover": About(made=("connection", "outcome")),
    "vault reseal": About(made=("state", "version", "resealed", "old_versions_gone")),
}
CHANGES_NOTHING = frozenset(
    {
        *("client list", "client show", "registration-token list", "resource list", "keys list", "connection list"),
        *("provider list", "provider show", "provider check", "provider schema", "provider test", "connection show"),
        *("audit export", "audit verify", "audit blast-radius", "explain", "tail", "doctor", "stacks", "console"),
        *("jobs list", "user show"),
        "config export",
        "apply",  # each of its changes is on record as the single command
        *("issuer list", "issuer show", "issuer try"),
        "bootstrap",  # creates the table of the records; CloudFormation's events show who ran it
    }
)
# Not options of the operator; and options with free text, such as a path, an account or a note.
_PLUMBING = frozenset(
    {"act", "alone", "command", "group", "verb", "part", "kind", "disabled", "json", "yes", "stack", "question"}
)
_UNSAID = frozenset({"account", "issuer", "file", "to", "out", "jwks", "note"})
_MOST = 20  # rows of an answer that are named; the others are counted


def name_commands(parser: argparse.ArgumentParser, *words: str) -> Iterator[str]:
    """The name of every subcommand. Each is stored in the subcommand's own options as `command`."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        parser.set_defaults(command=" ".join(words))
        yield " ".join(words)
    for action in below:
        for word, child in action.choices.items():
            yield from name_commands(child, *words, word)


def run_on_record(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Run the command and return its result. Raises what the command raises."""
    if options.command in CHANGES_NOTHING or getattr(options, "dry_run", False):
        return options.act(deployment, options)
    about = ON_RECORD[options.command]
    if "sub" in options and not options.sub:
        options.sub = find_sub(find_broker(deployment), options)  # on record by the name that is no person's
    if question := find_question(deployment, options):
        confirm(question)
    begun = begin(deployment, options, about)
    try:
        done = options.act(deployment, options)
    except Exception as error:
        _end(deployment, begun, "failed", error.details if isinstance(error, OperationError) else {}, about)
        raise
    _end(deployment, begun, "failed" if isinstance(done, Partly) else "done", done, about)
    return done


def begin(deployment: Deployment, options: argparse.Namespace, about: About) -> Act:
    """Write the record of the start. Raises StoreUnavailable, AwsRefusal."""
    deployment.store.read(DEPLOYMENT)  # once the table has answered, the clock is the table's
    typed = {name: _say(name, value) for name, value in vars(options).items() if value and name not in _PLUMBING}
    named = {member: typed[option] for option, member in about.ids.items() if option in typed}
    act = Act(
        event=EVENT,
        at=deployment.clock.now(),
        request_id=_new_id(deployment),
        operator=name_caller(deployment.settings.endpoint_url),
        command=options.command,
        given={name: said for name, said in typed.items() if name not in about.ids},
        **named,  # type: ignore[arg-type]
    )
    deployment.store.append_audit(act)
    return act


def read_record(item: dict[str, Any]) -> AuditEvent:
    """Read an operator's act or a token hand-out. Raises ItemUnreadable: the item is not an audit record."""
    return decode_item({**item, "sub": {"S": ""}}, Act) if item.get("event") == {"S": EVENT} else read_event(item)


def _end(deployment: Deployment, begun: Act, outcome: Outcome, answered: Any, about: About) -> None:
    """A missing record does not undo the work: the record of the start exists, and the terminal prints a warning."""
    made = {name: said for name in about.made if (said := _gather(name, answered))}
    named = {name: made.pop(name) for name in ("client_id",) if name in made}
    changed = {"at": deployment.clock.now(), "request_id": _new_id(deployment), "begun": begun.request_id, **named}
    try:
        deployment.store.append_audit(replace(begun, outcome=outcome, given=made, **changed))
    except StoreUnavailable as error:
        print(
            f"{PROGRAM}: the audit record of this command's end was not written ({error}); the record of its start was",
            file=sys.stderr,
        )


def _gather(name: str, answered: Any) -> str:
    """One member of a row, or of each of many."""
    if isinstance(answered, (Listing, Lines, Partly, Report)):
        answered = answered.rows
    if isinstance(answered, Mapping):
        return _say(name, answered.get(name))
    rows = list(answered or ())
    said = " ".join(_say(name, row.get(name)) or "-" for row in rows[:_MOST])
    return f"{said} and {len(rows) - _MOST} more" if len(rows) > _MOST else said


def _say(name: str, value: Any) -> str:
    """As the log would write it, which drops what looks like a secret."""
    if value is None or value is False:
        return ""
    if name in _UNSAID:
        return "given"
    said = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else "yes" if value is True else str(value)
    return str(redact(name, said))


def _new_id(deployment: Deployment) -> str:
    return deployment.entropy.token_bytes(12).hex()
