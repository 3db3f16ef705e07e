"""`broker keys`: lists, rotates and destroys keys, and shows the next step of each rotation."""

import argparse
from typing import Any

from chalicelib.adapters.process.log import JsonLog
from chalicelib.keys.lifecycle import LEAD_SECONDS, MOST_VERSIONS, NeverRotated, Step, next_step, rules_of
from chalicelib.keys.rotation import (
    CannotRotate,
    KeyRotator,
    RotationStep,
    forget,
    roll_signing,
    rotate_due,
    rotate_one,
)
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.settings import Settings
from chalicelib.records.small_items import KeysetItem
from cli.confirmation import add_question
from cli.deployment.key_usage import find_needed
from cli.deployment.keysets import PURPOSES, list_keysets
from cli.deployment.operations import Deployment, OperationError
from cli.output import date, log_stream

LASTING = ("identity", "audit")  # names come from the one; what is on record is verified by the other, old versions too
LIST = "broker keys list"
_WHY = {
    "never_turned": (
        "the ids of users and connections are derived from this key: a new key would change every sub",
        "rotate the other keys",
    ),
    "keyset_missing": ("the keys do not exist", "broker init"),
    "keyset_without_one_current_key": ("the keyset does not have exactly one key in use", LIST),
    "changed_meanwhile": ("another process is rotating this key", LIST),
    "copy_is_newer": (
        "this table was restored and lacks a key that the table `broker-keys` has",
        "broker restore finish",
    ),
    "no_version_left": (f"{MOST_VERSIONS} versions is the maximum", LIST),
}
_NEXT = {"publish": "a new key is published", "use": "in use from then on", "forget": "destroyed from then on"}


def rotator_of(deployment: Deployment) -> KeyRotator:
    """The key rotation of this deployment, with the operator's credentials."""
    log = JsonLog(deployment.clock, stream=log_stream())
    return KeyRotator(ring=deployment.ring, settings=deployment.settings, entropy=deployment.entropy, log=log)


def _list(deployment: Deployment, options: argparse.Namespace) -> Any:
    return [row for item in list_keysets(deployment) for row in _rows(item, deployment.settings)]


def _rows(item: KeysetItem, settings: Settings) -> list[dict[str, Any]]:
    """The versions of one keyset; never a key. The next step is shown at the version that it concerns."""
    try:
        step = next_step(item, rules_of(item.purpose, settings))
    except NeverRotated:
        step = Step(kind="wait", at=None)
    return [
        {
            "purpose": item.purpose,
            "version": key.version,
            "state": key.state,
            "kid": (key.public_jwk or {}).get("kid"),
            "created_at": date(key.created_at),
            "since": date(key.since or key.created_at),
            "next": _NEXT[step.kind] if mine else None,
            "next_at": date(step.at) if mine else None,
        }
        for key in item.keys
        for mine in [step.at is not None and step.version in (0, key.version) and _is_about(step, key.state)]
    ]


def _is_about(step: Step, state: str) -> bool:
    """A new version comes after the one in use."""
    return step.version != 0 or state in ("signing", "current")


def _rotate(deployment: Deployment, options: argparse.Namespace) -> Any:
    rotator = rotator_of(deployment)
    list_keysets(deployment)  # once the table has answered, the clock is the table's: a terminal's may be days ahead
    now = deployment.clock.now()
    if options.emergency and options.purpose != "signing":
        raise OperationError("--emergency is only for the keyset signing", "docs/keys.md explains the others")
    try:
        if options.emergency:
            return _row(roll_signing(rotator, now=now), rotator)
        if options.purpose is None:
            return [_row(turn, rotator) for turn in rotate_due(rotator, now=now)]
        return _row(rotate_one(rotator, options.purpose, now=now), rotator)
    except CannotRotate as cannot:
        raise _explained(cannot) from None


def _destroy(deployment: Deployment, options: argparse.Namespace) -> Any:
    """Only retired keys that nothing needs."""
    place = keyset_item_key(options.purpose)
    item = deployment.store.read(place).get(place)
    key = next((key for key in item.keys if key.version == options.version), None) if item else None
    if item is None or key is None:
        raise OperationError(f"{options.purpose} has no version {options.version}", LIST)
    if key.state not in ("retiring", "retired"):
        raise OperationError(f"version {key.version} is {key.state}", f"broker keys rotate {options.purpose}")
    rules, now = rules_of(options.purpose, deployment.settings), deployment.clock.now()
    if now < (key.since or key.created_at) + LEAD_SECONDS:
        raise OperationError("a process may still encrypt under it", LIST)
    if rules.longest is None:
        if needed := find_needed(deployment, options.purpose, key.version):
            hint = "broker vault reseal" if options.purpose == "vault" else "broker client secret rotate CLIENT_ID"
            raise OperationError(f"the key is still needed: {_counted(needed)}", hint)
    else:
        step = next_step(item, rules)
        if step.kind != "forget" or step.version != key.version or not step.is_due(now):
            raise OperationError("data that it encrypted or signed may still be valid", LIST)
    try:
        rotator = rotator_of(deployment)
        (gone,) = forget(rotator, options.purpose, frozenset({key.version}), read=item)
        return _row(gone, rotator)
    except CannotRotate as cannot:
        raise _explained(cannot) from None


def _counted(needed: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in needed.items() if count)


def _row(turn: RotationStep, rotator: KeyRotator) -> dict[str, Any]:
    place = keyset_item_key(turn.purpose)
    item = rotator.ring.read(place).get(place)
    step = next_step(item, rules_of(turn.purpose, rotator.settings)) if item else Step(kind="wait", at=None)
    after = {"next": _NEXT.get(step.kind), "next_version": step.version or None, "next_at": date(step.at)}
    return {"purpose": turn.purpose, "version": turn.version, "done": turn.done, **after}


def _explained(cannot: CannotRotate) -> OperationError:
    if cannot.step is not None:
        step = cannot.step
        said = f"version {step.version} is already published and is used from {date(step.at)}"
        return OperationError(said, "wait for the schedule, or repeat the command then")
    return OperationError(*_WHY[str(cannot)])


def _ask_rotate(deployment: Deployment, options: argparse.Namespace) -> str | None:
    told = "This invalidates every issued access token and ID token."
    return told if options.emergency and options.purpose == "signing" else None


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands of `broker keys`."""
    verbs = groups.add_parser("keys", help="manage the keysets").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    listed = verbs.add_parser("list", parents=[common], help="list every version of every key, and its next step")
    listed.set_defaults(act=_list)
    rotate = verbs.add_parser("rotate", parents=[common], help="start the rotation of a key, or take its next due step")
    rotate.add_argument("purpose", nargs="?", choices=PURPOSES, help="default: every due step of all keys")
    rotate.add_argument(
        "--emergency", action="store_true", help="signing only: use a new key at once; invalidates all tokens"
    )
    add_question(rotate, _ask_rotate)
    rotate.set_defaults(act=_rotate)
    destroy = verbs.add_parser("destroy", parents=[common], help="destroy an old version that nothing needs")
    destroy.add_argument("purpose", choices=[purpose for purpose in PURPOSES if purpose not in LASTING])
    destroy.add_argument("version", type=int)
    destroy.set_defaults(act=_destroy)
