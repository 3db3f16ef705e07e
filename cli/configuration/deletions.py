"""Deletions: only what the operator names, and never what the file still declares."""

import argparse
from collections.abc import Sequence
from typing import Any

from chalicelib.records.item_keys import client_item_key
from cli.commands import client as client_command
from cli.commands import kill
from cli.commands import resource as resource_command
from cli.configuration.planner import Planner, list_unlisted
from cli.configuration.steps import Step, options_for
from cli.deployment.operations import Deployment, OperationError
from cli.nearest import nearest

HELP = (
    "delete this, which the file does not name: client:ID, provider:ID or resource:URI, as the plan lists it; may "
    "repeat; nothing else is deleted"
)
_ORDER = {"client": 0, "resource": 1, "provider": 2}


def plan_deletions(planner: Planner, words: Sequence[str]) -> None:
    """Add a step for each word. Raises OperationError for the first that is not in the list of what is left over."""
    names = dict(list_unlisted(planner))
    for word in words:
        if word not in names:
            near = nearest(word, names)
            hint = f"did you mean --delete {near}?" if near else "remove it from the file first; --plan lists the rest"
            raise OperationError(f"--delete {word} is refused: no such thing, or the file names it", hint)
    for word in sorted(dict.fromkeys(words), key=lambda one: _ORDER[one.partition(":")[0]]):
        kind, _, thing = word.partition(":")
        planner.add(_MAKERS[kind](thing, names[word]))


def _delete_client(client_id: str, name: str) -> Step:
    typed = options_for("client delete", {}, {"client_id": client_id})

    def rehearse(deployment: Deployment, typed: argparse.Namespace) -> Any:
        return deployment.delete(client_item_key(client_id))

    step = Step("delete", "client", name, client_id, {}, typed, client_command.remove_client, rehearse)
    step.notes.append("everything that it holds is revoked")
    return step


def _delete_resource(audience: str, name: str) -> Step:
    typed = options_for("resource delete", {}, {"audience": audience})
    return Step("delete", "resource", name, audience, {}, typed, resource_command.remove_resource)


def _disable_provider(provider_id: str, name: str) -> Step:
    """A provider stays stored, because connections refer to it."""
    switch = {"kind": "provider", "named": provider_id, "undo": False, "no_count": True, "yes": True}
    typed = options_for("kill provider", {}, switch)
    step = Step("delete", "provider", name, provider_id, {}, typed, kill.throw_switch, lambda *_: None)
    step.notes.append("all its connections and sign-ins are void; it stays stored, disabled")
    return step


_MAKERS = {"client": _delete_client, "resource": _delete_resource, "provider": _disable_provider}
