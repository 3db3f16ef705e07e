"""`broker kill client|user|provider|issuer|everything`: one write, and nothing issued earlier is accepted.

It sets a cutoff that every request reads. `--undo` lets users sign in and consent again. It restores nothing.
"""

import argparse
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.adapters.process.log import JsonLog
from chalicelib.ports import StoreUnavailable
from chalicelib.records.deployment import Deployment as DeploymentRecord
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    issuer_id,
    issuer_item_key,
    provider_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.revocation import Revocation
from cli.commands.client_enable import switch_client
from cli.commands.user import add_user_words
from cli.confirmation import add_question
from cli.deployment.broker import find_broker
from cli.deployment.issuers import find_issuer
from cli.deployment.kill_counts import count_void, leave_word, outlasting
from cli.deployment.operations import CACHED_SECONDS, Deployment, OperationError
from cli.deployment.users import find_sub
from cli.output import Listing, date, log_stream

USER_SECONDS = 1  # a subject is never taken from a process's memory: its mark catches its own second


def kill_client(deployment: Deployment, client_id: str, *, undo: bool) -> Revocation:
    """The client and everything that it holds; also a client named by a URL that was never used here. Raises
    OperationError.
    """
    return switch_client(deployment, client_id, disabled=not undo).marks


def kill_user(deployment: Deployment, sub: str, *, undo: bool) -> Revocation:
    """Every consent of the user, and every browser session. Raises OperationError."""
    place = subject_item_key(sub)
    for _ in deployment.write_tries():
        found = deployment.store.read(place, user_key_item_key(sub))
        subject, key = found.get(place), found.get(user_key_item_key(sub))
        if subject is None:
            raise OperationError(f"no such user: {sub}", "broker connection list")
        if subject.linked_to:
            raise OperationError(
                f"{sub} is a login of the user {subject.linked_to}", f"broker kill user {subject.linked_to}"
            )
        if key is not None and not key.sealed:
            raise OperationError(f"user {sub} was erased and cannot be restored", "broker user erase --help")
        marks, salt = _thrown(deployment, subject.marks, undo, USER_SECONDS), deployment.entropy.token_bytes(16)
        changed = replace(subject, marks=marks, session_salt=salt)
        if deployment.put_fields(place, changed, "marks", "session_salt", read=subject) is not None:
            return marks
    raise _busy(f"user {sub}")


def kill_provider(deployment: Deployment, provider_id: str, *, undo: bool) -> Revocation:
    """Every connection at the provider, and every sign-in through it. Raises OperationError."""
    place = provider_item_key(provider_id)
    for _ in deployment.write_tries():
        record = deployment.store.read(place).get(place)
        if record is None:
            raise OperationError(f"provider {provider_id} is not enabled", "broker provider list")
        marks = _thrown(deployment, record.marks, undo, CACHED_SECONDS)
        if deployment.put_fields(place, replace(record, marks=marks), "marks", read=record) is not None:
            return marks
    raise _busy(f"provider {provider_id}")


def kill_issuer(deployment: Deployment, name: str, *, undo: bool) -> Revocation:
    """Every exchange of the issuer's tokens, and everything that came from them (ISS-21). Raises OperationError."""
    for _ in deployment.write_tries():
        issuer = find_issuer(deployment, name)
        marks = _thrown(deployment, issuer.marks, undo, CACHED_SECONDS)
        place = issuer_item_key(issuer_id(issuer.issuer))
        if deployment.put_fields(place, replace(issuer, marks=marks), "marks", read=issuer) is not None:
            return marks
    raise _busy(f"issuer {name}")


def kill_everything(deployment: Deployment, *, undo: bool) -> Revocation:
    """The whole deployment. Raises OperationError."""
    for _ in deployment.write_tries():
        record = deployment.store.read(DEPLOYMENT).get(DEPLOYMENT)
        if record is None:
            deployment.put_if_absent(DEPLOYMENT, DeploymentRecord())
            continue
        marks = _thrown(deployment, record.marks, undo, CACHED_SECONDS)
        if deployment.put_fields(DEPLOYMENT, replace(record, marks=marks), "marks", read=record) is not None:
            return marks
    raise _busy("the deployment")


def _thrown(deployment: Deployment, marks: Revocation, undo: bool, seconds: int) -> Revocation:
    """Switch it off; or switch it on again for new consents only, so that earlier ones stay void."""
    if not undo:
        return replace(marks, disabled=True)
    return Revocation(disabled=False, not_before=max(deployment.time_of_mark() + seconds, marks.not_before or 0))


def _busy(what: str) -> OperationError:
    return OperationError(f"{what} is being changed by another process", "repeat the command")


def throw_switch(deployment: Deployment, options: argparse.Namespace) -> dict[str, Any] | Listing:
    """Set the cutoff first; count what it voided afterwards. Raises OperationError."""
    kind, undo = options.kind, options.undo
    named = _named(deployment, options)
    throw: dict[str, Callable[[], Revocation]] = {
        "client": lambda: kill_client(deployment, named, undo=undo),
        "user": lambda: kill_user(deployment, named, undo=undo),
        "provider": lambda: kill_provider(deployment, named, undo=undo),
        "issuer": lambda: kill_issuer(deployment, named, undo=undo),
        "everything": lambda: kill_everything(deployment, undo=undo),
    }
    marks = throw[kind]()
    log = JsonLog(deployment.clock, stream=log_stream())
    log.event("kill_undone" if undo else "killed", kind=kind, named=named, by="operator")
    row: dict[str, Any] = {"kind": kind, "named": named or None, "disabled": marks.disabled}
    if undo:
        return {
            **row,
            "void_before": date(marks.not_before),
            "next": "users have to sign in and consent again; nothing is restored",
        }
    try:
        leave_word(deployment, kind, named)
        void = None if options.no_count else count_void(deployment, kind, named)
        lives_on = outlasting(deployment, kind, named)
    except (OperationError, StoreUnavailable, AwsRefusal) as fault:
        said = f"the kill switch is set, but what it voided cannot be counted ({fault})"
        raise OperationError(said, "broker tail --refused", row) from None
    again = " ".join(word for word in ("broker kill", kind, named, "--undo") if word)
    told = {**row, "void": void, "lives_on": lives_on, "undo": again}
    return told if options.json else _in_words(told)


def _ask(deployment: Deployment, options: argparse.Namespace) -> str | None:
    stops = options.kind == "everything" and not options.undo
    return "This stops every app of every user at its next request." if stops else None


def _in_words(told: dict[str, Any]) -> Listing:
    """First what stays valid, line by line; below it what is void, and the command that undoes it."""
    counted = ", ".join(f"{count} {what if count != 1 else what[:-1]}" for what, count in (told["void"] or {}).items())
    over = f"void from now on: {counted}" if counted else "void from now on (not counted)"
    return Listing(told["lives_on"], f"{over}\nundo: {told['undo']}")


def _named(deployment: Deployment, options: argparse.Namespace) -> str:
    if options.kind == "user":
        return str(options.sub or find_sub(find_broker(deployment), options))
    if options.kind == "issuer":
        return find_issuer(deployment, options.named).issuer
    return "" if options.kind == "everything" else str(options.named)


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker kill`."""
    said = "stop a client, a user, a provider, a trusted issuer or everything with one write"
    kinds = groups.add_parser("kill", help=said).add_subparsers(dest="kind", required=True, metavar="WHAT")
    client = kinds.add_parser("client", parents=[common], help="stop an app for all its users")
    client.add_argument("named", metavar="CLIENT_ID")
    add_user_words(kinds.add_parser("user", parents=[common], help="stop a user in all apps and browsers"))
    provider = kinds.add_parser("provider", parents=[common], help="stop a provider for all apps and users")
    provider.add_argument("named", metavar="PROVIDER_ID")
    issuer = kinds.add_parser("issuer", parents=[common], help="stop a trusted issuer for all apps and users")
    issuer.add_argument("named", metavar="NAME", help="its name, or the issuer itself")
    kinds.add_parser("everything", parents=[common], help="stop all apps, users and providers")
    for kind in kinds.choices.values():
        kind.add_argument("--undo", action="store_true", help="allow it again; what was void stays void")
        kind.add_argument("--no-count", action="store_true", help="do not scan the table to count what was voided")
        add_question(kind, _ask)
        kind.set_defaults(act=throw_switch)
