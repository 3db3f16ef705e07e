"""Compares a configuration file with a deployment. All checks of the single commands run here, before any write."""

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

from chalicelib.records.provider import ProviderRecord
from cli.commands import provider as provider_command
from cli.commands import resource as resource_command
from cli.configuration.client_entry import (
    Values,
    find_changes,
)
from cli.configuration.client_planner import ClientPlanner
from cli.configuration.other_entries import (
    compare_secret,
    complete_provider,
    complete_resource,
    describe_provider,
    describe_resource,
)
from cli.configuration.steps import Change, Step, options_for
from cli.configuration.workbench import HINT
from cli.deployment.operations import (
    Deployment,
    OperationError,
)
from cli.output import resource_row


class Planner(ClientPlanner):
    """Makes the steps of a whole file."""

    def plan(self) -> list[Step]:
        """The steps, in their order. Raises OperationError with the fault of every table."""
        for audience, options in self.configuration.resources.items():
            self.attempt(f"resources.{audience}", partial(self._plan_resource, audience, options))
        for provider_id, options in self.configuration.providers.items():
            self.attempt(f"providers.{provider_id}", partial(self._plan_provider, provider_id, options))
        clients = self.configuration.clients
        for name in sorted(clients, key=lambda one: self.ids[one] in self.stored.clients):  # new ones first
            self.attempt(f"clients.{name}", partial(self.plan_client, name, clients[name]))
        for name, options in clients.items():
            self.attempt(f"clients.{name}", partial(self.plan_rest, name, options))
        if self.faults:
            raise OperationError("\n  ".join(["nothing was changed:", *self.faults]), self.hint or HINT)
        return self.steps

    def _plan_resource(self, audience: str, options: Values) -> None:
        before, after = self.stored.resources.get(audience), complete_resource(options)
        if before is None:
            typed = options_for("resource create", self.defaults["resources"], options, audience=audience)
            fields = {name: (None, value) for name, value in after.items()}
            self.add(Step("create", "resource", audience, audience, fields, typed, typed.act))
            return
        changes = find_changes(describe_resource(before), after)
        if changes:
            values = {name: after[name] or (0 if name == "lifetime" else "") for name in changes}
            typed = options_for("resource update", self.defaults["change"], values, audience=audience)

            def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
                return resource_row(resource_command.change_resource(deployment, before, typed))

            self.add(Step("update", "resource", audience, audience, changes, typed, act))

    def _plan_provider(self, provider_id: str, options: Values) -> None:
        definition, before = provider_command.find_definition(self.catalog, provider_id), self._provider(provider_id)
        after = complete_provider(options)
        changes = find_changes(describe_provider(before), after) if before else dict.fromkeys(after)
        secret = compare_secret(self.rehearsal, before, options.get("secret_from"), definition)
        if before is not None and before.marks.disabled:
            self.notes.append(
                f"provider {provider_id} is disabled; broker kill provider {provider_id} --undo enables it"
            )
        source = options.get("secret_from")
        if secret == "unknown" and (changes or before is None or before.public):
            raise OperationError(f"{source} is not available here", f"set {source}")
        if secret == "unknown":
            self.notes.append(f"provider {provider_id} keeps its stored secret: {source} is not available here")
        elif changes or secret == "other":
            self._set_provider(provider_id, options, before, new_secret=secret == "other")

    def _set_provider(self, provider_id: str, options: Values, before: ProviderRecord | None, new_secret: bool) -> None:
        after = complete_provider(options)
        fields = find_changes(describe_provider(before), after) if before else {}
        fields |= {} if before else {name: (None, value) for name, value in after.items() if value}
        if options.get("secret_from") and new_secret:
            fields["secret"] = (None if before is None else "stored", options["secret_from"])
        more = {"provider_id": provider_id, "ends_connections": self.choices.ends_connections}
        typed = options_for("provider set", self.defaults["providers"], options, **more)

        def act(deployment: Deployment, typed: argparse.Namespace) -> Any:
            return provider_command.register_at(deployment, typed, read=before)

        change: Change = "create" if before is None else "update"
        self.add(Step(change, "provider", provider_id, provider_id, fields, typed, act))

    def _provider(self, provider_id: str) -> ProviderRecord | None:
        return self.stored.providers.get(provider_id)


def list_unlisted(planner: Planner) -> Iterator[tuple[str, str]]:
    """What the deployment has and the file does not name: its --delete word, and its name."""
    stored, file = planner.stored, planner.configuration
    for client_id, client in stored.clients.items():
        if client_id not in planner.ids.values():
            yield f"client:{client_id}", client.client_name
    for provider_id, record in stored.providers.items():
        if provider_id not in file.providers and not record.marks.disabled:
            yield f"provider:{provider_id}", provider_id
    for audience in stored.resources:
        if audience not in file.resources:
            yield f"resource:{audience}", audience
