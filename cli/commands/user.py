"""broker user show|sign-out|erase: shows a user, ends their browser sessions, or erases them with all stored data."""

import argparse
from typing import Any

from msgspec.structs import replace

from chalicelib.jobs.backchannel_logout import enqueue_logout_everywhere
from chalicelib.jobs.user_erasure import Erasure, erase_user
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.item_keys import item_key_of, subject_item_key, user_key_item_key
from chalicelib.vault.rules.revocation_results import is_alive_there
from cli.commands.connection import ended_rows
from cli.confirmation import add_question
from cli.deployment.broker import find_broker
from cli.deployment.operations import Deployment, OperationError
from cli.deployment.users import find_sub
from cli.output import date

AGAIN = "repeat the command `broker user erase SUB`: it continues from there"


def _erase(deployment: Deployment, options: argparse.Namespace) -> Any:
    broker = find_broker(deployment)
    sub = options.sub or find_sub(broker, options)
    try:
        erasure = erase_user(broker, sub)
    except OAuthError as error:
        raise OperationError(f"user {sub} is not erased yet: {error.reason}", AGAIN) from None
    if erasure is None:
        raise OperationError(f"no such user: {sub}", "broker connection list")
    broker.log.event("user_erased", sub=sub, connections=len(erasure.connections), by="operator")
    return _row(broker, erasure)


def _sign_out(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Set a new salt, so no earlier cookie can be decrypted. Tokens of apps stay valid; subscribed apps are
    notified.
    """
    broker = find_broker(deployment)
    sub = options.sub or find_sub(broker, options)
    place = subject_item_key(sub)
    subject = broker.store.read(place).get(place)
    if subject is None:
        raise OperationError(f"no such user: {sub}", "broker connection list")
    salted = replace(subject, session_salt=deployment.entropy.token_bytes(16))
    if deployment.put_fields(place, salted, "session_salt", read=subject) is None:
        raise OperationError(f"user {sub} was changed by another process", f"broker user sign-out {sub}")
    told = enqueue_logout_everywhere(broker, sub)
    broker.log.event("signed_out_everywhere", sub=sub, by="operator")
    return {"user": sub, "sessions": "ended", "told": sorted(one.client_id for one in told)}


def _show(deployment: Deployment, options: argparse.Namespace) -> Any:
    """What the broker stores about a user, without names, email addresses and tokens, which are encrypted."""
    sub = options.sub or find_sub(find_broker(deployment), options)
    place, key_place = subject_item_key(sub), user_key_item_key(sub)
    known = deployment.store.read(place, key_place)
    subject, key = known.get(place), known.get(key_place)
    if subject is None:
        raise OperationError(f"no such user: {sub}", "broker connection list")
    places = [place_of for name in deployment.store.list_held(sub) if (place_of := item_key_of(name)) is not None]
    found = deployment.store.read(*places)
    held = [one for place in places if (one := found.get(place)) is not None]
    open_connections = [one for one in held if isinstance(one, Connection) and one.status != "revoked"]
    return {
        "user": sub,
        "created_at": date(subject.created_at),
        "disabled": subject.marks.disabled,
        "void_before": date(subject.marks.not_before),
        "erased": key is not None and not key.sealed,
        "linked_to": subject.linked_to or None,
        "added_logins": sorted(subject.logins.values()),
        "connections": len(open_connections),
        "apps": [_consent_row(one, deployment.clock.now()) for one in held if isinstance(one, Consent)],
    }


def _consent_row(consent: Consent, now: int) -> dict[str, Any]:
    return {
        "client_id": consent.client_id,
        "scope": " ".join(sorted(consent.scopes)),
        "decided_at": date(consent.decided_at),
        "revoked": consent.void(consent.decided_at, now),
        "paused": consent.paused_at > 0,
        "ends_at": date(consent.ends_at),
    }


def _row(broker: Broker, erasure: Erasure) -> dict[str, Any]:
    rows = ended_rows(broker, erasure.connections)
    alive = [one for one in erasure.connections if is_alive_there(one)]
    return {
        "user": erasure.sub,
        "key": "destroyed",
        "alive_at": sorted({one.provider_id for one in alive}),
        "tried_until": date(erasure.ends_at),
        "connections": rows,
    }


def _ask_erase(deployment: Deployment, options: argparse.Namespace) -> str:
    sub = options.sub or find_sub(find_broker(deployment), options)
    return f"This makes all data of user {sub} permanently unreadable."


def add_user_words(verb: argparse.ArgumentParser) -> None:
    """The arguments that name a user."""
    verb.add_argument("sub", nargs="?", help="the user's sub; or name the user by the account that they sign in with:")
    verb.add_argument("--provider", metavar="ID")
    verb.add_argument(
        "--account", metavar="SUBJECT", help="the provider's stable id of the account, not an email address"
    )
    verb.add_argument("--issuer", metavar="URL", help="default: the provider's; without --provider, a trusted issuer")


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker user`."""
    verbs = groups.add_parser("user", help="people").add_subparsers(dest="verb", required=True, metavar="VERB")
    erase = verbs.add_parser("erase", parents=[common], help="erase a user and all stored data of that user")
    leave = verbs.add_parser("sign-out", parents=[common], help="end every browser session of a user")
    show = verbs.add_parser("show", parents=[common], help="show a user's apps, logins and number of connections")
    for verb in (erase, leave, show):
        add_user_words(verb)
    show.set_defaults(act=_show)
    leave.set_defaults(act=_sign_out)
    add_question(erase, _ask_erase)
    erase.set_defaults(act=_erase)
